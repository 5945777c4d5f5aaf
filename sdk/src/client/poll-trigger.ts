import type { RetrievedRun } from "./replies.ts";
import type { TriggerRequestOptions } from "./request-options.ts";
import type { AnyTask, TaskIdentifier, TaskOutput, TaskPayload, TriggerOptions } from "./run-handle.ts";
import { type PollOptions, runs } from "./runs.ts";
import { trigger } from "./trigger.ts";

/** Triggers, then looks until the run has ended. For scripts and tests; a web request should not wait this way. */
export async function triggerAndPoll<T extends AnyTask>(
  id: TaskIdentifier<T>,
  payload: TaskPayload<T>,
  options?: TriggerOptions & PollOptions,
  requestOptions?: TriggerRequestOptions,
): Promise<RetrievedRun<TaskPayload<T>, TaskOutput<T>>> {
  const { pollIntervalMs, ...triggerOptions } = options ?? {};
  const handle = await trigger<T>(id, payload, triggerOptions, requestOptions);
  return runs.poll(handle.id, { pollIntervalMs }, requestOptions);
}
