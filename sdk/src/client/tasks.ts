import { batchTrigger } from "./batch-trigger.ts";
import { triggerAndPoll } from "./poll-trigger.ts";
import { trigger } from "./trigger.ts";

/** Triggering by id; the task's side of the SDK adds the hooks that Trigger.dev keeps under the same name. */
export const triggerTasks = { trigger, batchTrigger, triggerAndPoll };
