import { ApiClient } from "../../client/api-client.ts";
import { onceIdempotencyKey } from "../../client/idempotency-key.ts";
import { decodeValue, encodeValue } from "../../client/packet.ts";
import type { TriggerRequestOptions } from "../../client/request-options.ts";
import type { AnyTask, TaskIdentifier, TaskOutput, TaskPayload, TriggerOptions } from "../../client/run-handle.ts";
import { triggerBody, triggerFingerprint } from "../../client/trigger-body.ts";
import { fromWireError, type WireError } from "../../contract/wire-error.ts";
import type { RunScope } from "../run-scope.ts";
import { requireDurable } from "./require-durable.ts";
import { TaskRunPromise, type TaskRunResult } from "./task-run-promise.ts";

/** `version`: default the parent's own, so that both speak of the same payload. */
export type TriggerAndWaitOptions = TriggerOptions;

const INSTEAD = "Elsewhere use trigger() and runs.poll(), or triggerAndPoll().";

/**
 * Starts a run of a task and suspends the calling run until it has ended: `{ ok: true, output }` or `{ ok: false, error }`.
 * The child runs in the parent's version unless `version` says otherwise.
 *
 * Errors: NOT_IN_A_RUN, NESTED_DURABLE_CALL, and what a trigger may be refused with. `unwrap()`: SubtaskUnwrapError.
 */
export function triggerAndWait<T extends AnyTask>(
  id: TaskIdentifier<T>,
  payload: TaskPayload<T>,
  options?: TriggerAndWaitOptions,
  requestOptions?: TriggerRequestOptions,
): TaskRunPromise<TaskIdentifier<T>, TaskOutput<T>> {
  return TaskRunPromise.of(childResult<T>(id, payload, options, requestOptions));
}

async function childResult<T extends AnyTask>(
  id: TaskIdentifier<T>,
  payload: TaskPayload<T>,
  options: TriggerAndWaitOptions | undefined,
  requestOptions: TriggerRequestOptions | undefined,
): Promise<TaskRunResult<TaskIdentifier<T>, TaskOutput<T>>> {
  const { durable, scope } = requireDurable("triggerAndWait", INSTEAD);
  const encoded = encodeValue(payload);
  const { completion, opened } = await durable.wait({
    kind: "child",
    fingerprint: triggerFingerprint(id, encoded, options),
    label: id.slice(0, 256),
    open: async (onceKey) => {
      const body = await triggerBody(encoded, sameVersion(scope, options), await onceIdempotencyKey(onceKey));
      return { childRunId: (await ApiClient.forCall(requestOptions).triggerTask(id, body)).id };
    },
  });
  const child = { id: opened.childRunId ?? "", taskIdentifier: id };
  if (completion.ok) {
    return { ok: true, ...child, output: decodeValue(completion.value, completion.valueType) as TaskOutput<T> };
  }
  return { ok: false, ...child, error: durable.failure(completion.entry, errorOf(completion.error)) };
}

/** A child that is waited for runs in its parent's version: a deploy between the two changes neither of them. */
export function sameVersion(scope: RunScope, options: TriggerOptions | undefined): TriggerOptions {
  return { ...options, version: options?.version ?? scope.ctx.deployment.version };
}

export function errorOf(error: WireError | undefined): Error {
  return error === undefined ? new Error("The run did not end well.") : fromWireError(error);
}
