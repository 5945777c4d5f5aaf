import { ApiClient } from "../../client/api-client.ts";
import { createIdempotencyKey } from "../../client/idempotency-key.ts";
import { type EncodedValue, encodeValue } from "../../client/packet.ts";
import type { RealtimeRun } from "../../client/realtime/index.ts";
import type { RunError } from "../../client/replies.ts";
import type { RequestOptions } from "../../client/request-options.ts";
import type { AnyTask, TaskIdentifier, TaskOutput, TaskPayload, TriggerOptions } from "../../client/run-handle.ts";
import { runs } from "../../client/runs.ts";
import { triggerBody, triggerFingerprint } from "../../client/trigger-body.ts";
import { fromWireError, type WireError } from "../../contract/wire-error.ts";
import { requireDurable, type WaitingRun } from "./require-durable.ts";
import { TaskRunPromise, type TaskRunResult } from "./task-run-promise.ts";
import { sameVersion } from "./trigger-and-wait.ts";

export interface TriggerAndSubscribeOptions extends TriggerOptions {
  /** Ends the waiting: the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Whether the child is canceled then. Default true. */
  cancelOnAbort?: boolean | undefined;
}

/**
 * Starts a run of a task and waits for its result as `triggerAndWait` does, but stays in its process and keeps its place in
 * its queue meanwhile: for children that take seconds, or that a `signal` may cancel. Journalled as one step.
 *
 * Errors: as triggerAndWait; the signal's reason.
 */
export function triggerAndSubscribe<T extends AnyTask>(
  id: TaskIdentifier<T>,
  payload: TaskPayload<T>,
  options?: TriggerAndSubscribeOptions,
  requestOptions?: RequestOptions,
): TaskRunPromise<TaskIdentifier<T>, TaskOutput<T>> {
  return TaskRunPromise.of(subscribe<T>(id, payload, options, requestOptions));
}

async function subscribe<T extends AnyTask>(
  id: TaskIdentifier<T>,
  payload: TaskPayload<T>,
  { signal, cancelOnAbort = true, ...options }: TriggerAndSubscribeOptions = {},
  requestOptions?: RequestOptions,
): Promise<TaskRunResult<TaskIdentifier<T>, TaskOutput<T>>> {
  const run = requireDurable("triggerAndSubscribe", "Elsewhere use triggerAndPoll().");
  const encoded = encodeValue(payload);
  const key = callKey(run, triggerFingerprint(id, encoded, options));
  try {
    const ended = await run.durable.step(
      `triggerAndSubscribe ${id}`,
      async () => {
        const childId = await start(run, id, encoded, options, key, requestOptions);
        const output = await outputOf(childId, { signal, cancelOnAbort }, run, requestOptions);
        return { id: childId, output };
      },
      { key },
    );
    return { ok: true, id: ended.id, taskIdentifier: id, output: ended.output as TaskOutput<T> };
  } catch (error) {
    const childId = unmarkChild(error);
    if (childId === undefined) throw error;
    return { ok: false, id: childId, taskIdentifier: id, error };
  }
}

const CALLS = new WeakMap<object, Map<string, number>>();

/** The same for the same call of the function on each replay: what it is for, and which of several such calls it is. */
function callKey({ durable }: WaitingRun, fingerprint: string): string {
  const calls = CALLS.get(durable) ?? new Map<string, number>();
  CALLS.set(durable, calls);
  const ordinal = calls.get(fingerprint) ?? 0;
  calls.set(fingerprint, ordinal + 1);
  return `subscribe:${fingerprint}:${ordinal}`;
}

/** A step that is run again after a crash finds the child that it had started. */
async function start(
  { scope }: WaitingRun,
  id: string,
  encoded: EncodedValue,
  options: TriggerOptions,
  key: string,
  requestOptions: RequestOptions | undefined,
): Promise<string> {
  const body = await triggerBody(encoded, sameVersion(scope, options), await createIdempotencyKey(key));
  return (await ApiClient.forCall(requestOptions).triggerTask(id, body)).id;
}

async function outputOf(
  childId: string,
  { signal, cancelOnAbort }: Pick<TriggerAndSubscribeOptions, "signal" | "cancelOnAbort">,
  { scope }: WaitingRun,
  requestOptions: RequestOptions | undefined,
): Promise<unknown> {
  try {
    const signals = [signal, requestOptions?.signal, scope.signal].filter((one) => one !== undefined);
    const child = await lastOf(childId, { ...requestOptions, signal: AbortSignal.any(signals) });
    if (child.isSuccess) return child.output;
    throw markedWithChild(childId, toWire(child.error, child.status));
  } catch (error) {
    if (signal?.aborted && cancelOnAbort) await runs.cancel(childId).catch(() => {});
    throw error;
  }
}

/** The child as it ended: told over a socket, or polled for where there is none. */
async function lastOf(childId: string, requestOptions: RequestOptions): Promise<RealtimeRun> {
  let last: RealtimeRun | undefined;
  for await (const run of runs.subscribeToRun(childId, { skipColumns: ["payload"] }, requestOptions)) last = run;
  if (last === undefined) throw new Error(`Nothing was heard of ${childId}.`);
  return last;
}

function toWire(error: RunError | undefined, status: string): WireError {
  if (error === undefined) return { name: "Error", message: `The run ended as ${status}.` };
  const { name = "Error", message, stackTrace, code, causes } = error;
  const cause = causes?.[0];
  return {
    name,
    message,
    ...(stackTrace === undefined ? {} : { stack: stackTrace }),
    ...(code === undefined ? {} : { code }),
    ...(cause === undefined ? {} : { cause: { name: cause.name ?? "Error", message: cause.message } }),
  };
}

const CHILD = "dev.gantry.child";

/**
 * The child's error as the step throws it. The journal keeps name, message, stack, code and cause of a step's error, so the
 * child's id travels as a cause, and `unmarkChild` takes it out again. The error stays the one that the step made: should it
 * fail the attempt, the next one starts the child anew.
 */
function markedWithChild(childId: string, error: WireError): Error {
  return fromWireError({
    ...error,
    cause: { name: CHILD, message: childId, ...(error.cause && { cause: error.cause }) },
  });
}

function unmarkChild(error: unknown): string | undefined {
  if (!(error instanceof Error) || !(error.cause instanceof Error) || error.cause.name !== CHILD) return undefined;
  const { message, cause } = error.cause;
  Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
  return message;
}
