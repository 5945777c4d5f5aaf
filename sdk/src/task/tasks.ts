import { triggerTasks } from "../client/tasks.ts";
import { globalHooks } from "./global-hooks.ts";
import { batchTriggerAndWait } from "./waits/batch-and-wait.ts";
import { triggerAndSubscribe } from "./waits/trigger-and-subscribe.ts";
import { triggerAndWait } from "./waits/trigger-and-wait.ts";

/** Triggering by a task's id, and hooks for every task of the project (register those in `init.ts`). */
export const tasks = { ...triggerTasks, triggerAndWait, triggerAndSubscribe, batchTriggerAndWait, ...globalHooks };
