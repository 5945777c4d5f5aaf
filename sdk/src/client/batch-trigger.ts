import { ApiClient } from "./api-client.ts";
import type { BatchUploadItem } from "./batch-upload.ts";
import { currentRun } from "./current-run.ts";
import { fingerprintOf } from "./fingerprint.ts";
import {
  createIdempotencyKey,
  idempotencyKeyOptions,
  onceIdempotencyKey,
  toIdempotencyKey,
} from "./idempotency-key.ts";
import { onceInRun } from "./once-in-run.ts";
import { type EncodedValue, encodeValue } from "./packet.ts";
import type { TriggerRequestOptions } from "./request-options.ts";
import type {
  AnyTask,
  BatchByIdItem,
  BatchByTaskItem,
  BatchHandleOf,
  BatchItem,
  BatchRunHandle,
  BatchTriggerOptions,
  ItemSource,
  TaskIdentifier,
  TaskOutput,
  TaskPayload,
  TriggerOptions,
} from "./run-handle.ts";
import { handleToken } from "./trigger.ts";
import { triggerBody, triggerFingerprint } from "./trigger-body.ts";

export interface AnyItem {
  task: string;
  payload: unknown;
  options?: TriggerOptions | undefined;
}

/** An item whose payload is text: encoded before anything is sent, so that one that cannot be leaves no empty batch behind. */
export interface EncodedItem {
  task: string;
  encoded: EncodedValue;
  options?: TriggerOptions | undefined;
}

/** Queues many runs of one task. At most 1000 items a call (the environment's limit `batchItems`). */
export async function batchTrigger<T extends AnyTask>(
  id: TaskIdentifier<T>,
  items: ItemSource<BatchItem<TaskPayload<T>>>,
  options?: BatchTriggerOptions,
  requestOptions?: TriggerRequestOptions,
): Promise<BatchHandleOf<T>> {
  const all = collect(items, ({ payload, options }) => ({ task: id, payload, options }));
  return (await triggerItems(Array.isArray(all) ? all : await all, options, requestOptions)) as BatchHandleOf<T>;
}

/** Queues runs of several tasks: `batch.trigger<typeof a | typeof b>([{ id: "a", payload }, …])`. */
export async function batchTriggerById<T extends AnyTask>(
  items: ItemSource<T extends AnyTask ? BatchByIdItem<T> : never>,
  options?: BatchTriggerOptions,
  requestOptions?: TriggerRequestOptions,
): Promise<T extends AnyTask ? BatchHandleOf<T> : never> {
  const all = collect(items, ({ id, payload, options }) => ({ task: id, payload, options }));
  return (await triggerItems(Array.isArray(all) ? all : await all, options, requestOptions)) as T extends AnyTask
    ? BatchHandleOf<T>
    : never;
}

/** The same, with the tasks themselves: `batch.triggerByTask([{ task: a, payload }, { task: b, payload }])`. */
export async function batchTriggerByTask<const T extends readonly AnyTask[]>(
  items: { [K in keyof T]: BatchByTaskItem<T[K]> } | AsyncIterable<BatchByTaskItem<T[number]>>,
  options?: BatchTriggerOptions,
  requestOptions?: TriggerRequestOptions,
): Promise<BatchRunHandle<T[number]["id"], TaskPayload<T[number]>, TaskOutput<T[number]>>> {
  const source = items as ItemSource<BatchByTaskItem<AnyTask>>;
  const all = collect(source, ({ task, payload, options }) => ({ task: task.id, payload, options }));
  return (await triggerItems(Array.isArray(all) ? all : await all, options, requestOptions)) as never;
}

function triggerItems(all: AnyItem[], options: BatchTriggerOptions = {}, requestOptions?: TriggerRequestOptions) {
  const items = encodeItems(all);
  return onceInRun({
    label: batchLabel(items),
    fingerprint: () => batchFingerprint(items, options),
    perform: (onceKey) => sendBatch(items, { ...options, onceKey }, requestOptions),
  });
}

/** Error: RangeError where there is none. */
export function encodeItems(all: AnyItem[]): EncodedItem[] {
  if (all.length === 0) throw new RangeError("A batch needs at least one item.");
  return all.map(({ task, payload, options }) => ({ task, encoded: encodeValue(payload), options }));
}

/** `3 × resize`, or `3 runs` of several tasks. */
export function batchLabel(items: EncodedItem[]): string {
  const tasks = new Set(items.map(({ task }) => task));
  return tasks.size === 1 ? `${items.length} × ${items[0]?.task}` : `${items.length} runs`;
}

export function batchFingerprint(items: EncodedItem[], options: BatchTriggerOptions = {}): string {
  const parts = items.map(({ task, encoded, options }) => triggerFingerprint(task, encoded, options));
  const key = options.idempotencyKey;
  return fingerprintOf(...parts, key === undefined ? undefined : JSON.stringify(key));
}

export interface SendBatchOptions extends BatchTriggerOptions {
  /** Of a call that is journalled: its key, where the user gave none. */
  onceKey?: string | undefined;
  /**
   * Of a batch that is waited for: the attempt. Each attempt has a batch of its own and keys are for the items alone, so that
   * a retry finds the runs that succeeded and starts those anew that failed.
   */
  ofAttempt?: number | undefined;
}

/**
 * Creates the batch, then sends its items. Either request may be repeated: the batch is known by its id, an item by its
 * index. With an idempotency key the whole call may be repeated too, even after half of it was done.
 */
export async function sendBatch(
  items: EncodedItem[],
  options: SendBatchOptions = {},
  requestOptions?: TriggerRequestOptions,
) {
  const client = ApiClient.forCall(requestOptions);
  const uploads = await Promise.all(items.map((item, index) => toUpload(item, index, options)));
  const key = await batchKey(options);
  const batch = await client.createBatch({
    runCount: uploads.length,
    taskIdentifiers: [...new Set(uploads.map((item) => item.task))],
    parentRunId: currentRun()?.ctx?.run.id,
    idempotencyKey: key,
    idempotencyKeyOptions: key === undefined ? undefined : idempotencyKeyOptions(key),
  });
  // A batch of a reused key that is complete needs nothing; one that is not is filled up.
  if (!batch.isCached) await client.addBatchItems(batch.id, uploads);
  return {
    batchId: batch.id,
    runCount: uploads.length,
    isCached: batch.isCached,
    publicAccessToken: await handleToken(client, batch, `read:batch:${batch.id}`, requestOptions),
  };
}

async function batchKey({ idempotencyKey, onceKey, ofAttempt }: SendBatchOptions) {
  if (ofAttempt !== undefined) return onceIdempotencyKey(onceKey, `attempt ${ofAttempt}`);
  return (await toIdempotencyKey(idempotencyKey)) ?? (await onceIdempotencyKey(onceKey));
}

async function toUpload(item: EncodedItem, index: number, options: SendBatchOptions): Promise<BatchUploadItem> {
  const given = options.idempotencyKey;
  const fallbackKey =
    given === undefined
      ? await onceIdempotencyKey(options.onceKey, String(index))
      : await createIdempotencyKey([...[given].flat(), String(index)]);
  const itemOptions = { idempotencyKeyTTL: options.idempotencyKeyTTL, ...item.options };
  return { index, task: item.task, ...(await triggerBody(item.encoded, itemOptions, fallbackKey)) };
}

/** At once where the source is at hand: the order of the calls is then the order in which they are written. */
export function collect<T>(source: ItemSource<T>, toItem: (item: T) => AnyItem): AnyItem[] | Promise<AnyItem[]> {
  return Symbol.iterator in source ? Array.from(source, toItem) : collectLater(source as AsyncIterable<T>, toItem);
}

async function collectLater<T>(source: AsyncIterable<T>, toItem: (item: T) => AnyItem): Promise<AnyItem[]> {
  const items: AnyItem[] = [];
  for await (const item of source) items.push(toItem(item));
  return items;
}
