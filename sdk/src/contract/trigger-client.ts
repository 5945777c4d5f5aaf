/**
 * What a task object needs of the API client: `myTask.trigger()`, `tags.add()`, `idempotencyKeys.reset()`.
 *
 * `sdk/src/client` registers its implementation when it is imported; inside a unit test the run carries one of its own.
 */
import type { BatchItem, BatchRunHandle, BatchTriggerOptions, RequestOptions, RunHandle, TriggerOptions } from "./task.ts";
import { currentRun } from "./current-run.ts";

export interface TriggerClient {
  /** Starts one run. Errors: the API's, as the client's error classes. */
  trigger(
    taskId: string,
    payload: unknown,
    options?: TriggerOptions,
    requestOptions?: RequestOptions,
  ): Promise<RunHandle<string, unknown, unknown>>;
  /** Starts one run per item, in the items' order; items may be streamed. */
  batchTrigger(
    taskId: string,
    items: BatchItems<unknown>,
    options?: BatchTriggerOptions,
    requestOptions?: RequestOptions,
  ): Promise<BatchRunHandle<string, unknown, unknown>>;
  addTags(runId: string, tags: string[], requestOptions?: RequestOptions): Promise<void>;
  /** The text behind an `application/store` payload. */
  fetchPacket(name: string): Promise<{ data: string; dataType: string }>;
}

export type BatchItems<TPayload> =
  | Array<BatchItem<TPayload>>
  | AsyncIterable<BatchItem<TPayload>>
  | ReadableStream<BatchItem<TPayload>>;

const KEY = Symbol.for("dev.gantry.triggerClient");
const slot = globalThis as { [KEY]?: TriggerClient };

export function registerTriggerClient(client: TriggerClient): void {
  slot[KEY] = client;
}

/** The client for the calling code. Error: no client was imported. */
export function triggerClient(): TriggerClient {
  const client = currentRun()?.triggerClient ?? slot[KEY];
  if (!client) throw new Error('No API client is loaded: import the task from a module that imports "@gantry/sdk".');
  return client;
}
