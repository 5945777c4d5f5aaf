import { ApiClient } from "./api-client.ts";
import type { BatchUploadItem } from "./batch-upload.ts";
import { currentRun } from "./current-run.ts";
import { createIdempotencyKey, idempotencyKeyOptions, toIdempotencyKey } from "./idempotency-key.ts";
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
import { triggerBody } from "./trigger-body.ts";

interface AnyItem {
  task: string;
  payload: unknown;
  options?: TriggerOptions | undefined;
}

/** Queues many runs of one task. At most 1000 items a call (the environment's limit `batchItems`). */
export async function batchTrigger<T extends AnyTask>(
  id: TaskIdentifier<T>,
  items: ItemSource<BatchItem<TaskPayload<T>>>,
  options?: BatchTriggerOptions,
  requestOptions?: TriggerRequestOptions,
): Promise<BatchHandleOf<T>> {
  const all = await collect(items, ({ payload, options }) => ({ task: id, payload, options }));
  return (await sendBatch(all, options, requestOptions)) as BatchHandleOf<T>;
}

/** Queues runs of several tasks: `batch.trigger<typeof a | typeof b>([{ id: "a", payload }, …])`. */
export async function batchTriggerById<T extends AnyTask>(
  items: ItemSource<T extends AnyTask ? BatchByIdItem<T> : never>,
  options?: BatchTriggerOptions,
  requestOptions?: TriggerRequestOptions,
): Promise<T extends AnyTask ? BatchHandleOf<T> : never> {
  const all = await collect(items, ({ id, payload, options }) => ({ task: id, payload, options }));
  return (await sendBatch(all, options, requestOptions)) as T extends AnyTask ? BatchHandleOf<T> : never;
}

/** The same, with the tasks themselves: `batch.triggerByTask([{ task: a, payload }, { task: b, payload }])`. */
export async function batchTriggerByTask<const T extends readonly AnyTask[]>(
  items: { [K in keyof T]: BatchByTaskItem<T[K]> } | AsyncIterable<BatchByTaskItem<T[number]>>,
  options?: BatchTriggerOptions,
  requestOptions?: TriggerRequestOptions,
): Promise<BatchRunHandle<T[number]["id"], TaskPayload<T[number]>, TaskOutput<T[number]>>> {
  const source = items as ItemSource<BatchByTaskItem<AnyTask>>;
  const all = await collect(source, ({ task, payload, options }) => ({ task: task.id, payload, options }));
  return (await sendBatch(all, options, requestOptions)) as never;
}

/**
 * Creates the batch, then sends its items. Either request may be repeated: the batch is known by its id, an item by its
 * index. With an idempotency key the whole call may be repeated too, even after half of it was done.
 */
async function sendBatch(all: AnyItem[], options: BatchTriggerOptions = {}, requestOptions?: TriggerRequestOptions) {
  if (all.length === 0) throw new RangeError("A batch needs at least one item.");
  const client = ApiClient.forCall(requestOptions);
  // Encoded before the batch is made, so that a payload that cannot be encoded leaves no empty batch behind.
  const items = await Promise.all(all.map((item, index) => toUpload(item, index, options)));
  const key = await toIdempotencyKey(options.idempotencyKey);
  const batch = await client.createBatch({
    runCount: items.length,
    taskIdentifiers: [...new Set(items.map((item) => item.task))],
    parentRunId: currentRun()?.ctx?.run.id,
    idempotencyKey: key,
    idempotencyKeyOptions: key === undefined ? undefined : idempotencyKeyOptions(key),
  });
  // A batch of a reused key that is complete needs nothing; one that is not is filled up.
  if (!batch.isCached) await client.addBatchItems(batch.id, items);
  return {
    batchId: batch.id,
    runCount: items.length,
    isCached: batch.isCached,
    publicAccessToken: await handleToken(client, batch, `read:batch:${batch.id}`, requestOptions),
  };
}

async function toUpload(item: AnyItem, index: number, options: BatchTriggerOptions): Promise<BatchUploadItem> {
  const batchKey = options.idempotencyKey;
  const fallbackKey =
    batchKey === undefined ? undefined : await createIdempotencyKey([...[batchKey].flat(), String(index)]);
  const itemOptions = { idempotencyKeyTTL: options.idempotencyKeyTTL, ...item.options };
  return { index, task: item.task, ...(await triggerBody(item.payload, itemOptions, fallbackKey)) };
}

async function collect<T>(source: ItemSource<T>, toItem: (item: T) => AnyItem): Promise<AnyItem[]> {
  const items: AnyItem[] = [];
  for await (const item of source as AsyncIterable<T>) items.push(toItem(item));
  return items;
}
