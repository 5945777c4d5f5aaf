import {
  type AnyItem,
  batchFingerprint,
  batchLabel,
  collect,
  type EncodedItem,
  encodeItems,
  sendBatch,
} from "../../client/batch-trigger.ts";
import { decodeValue } from "../../client/packet.ts";
import type { TriggerRequestOptions } from "../../client/request-options.ts";
import type {
  AnyTask,
  BatchByIdItem,
  BatchByTaskItem,
  BatchItem,
  BatchTriggerOptions,
  ItemSource,
  TaskIdentifier,
  TaskOutput,
  TaskPayload,
} from "../../client/run-handle.ts";
import type { WireError } from "../../contract/wire-error.ts";
import { requireDurable } from "./require-durable.ts";
import type { BatchResult, TaskRunResult } from "./task-run-promise.ts";
import { errorOf, sameVersion } from "./trigger-and-wait.ts";

export type BatchTriggerAndWaitOptions = BatchTriggerOptions;
export type TaskRunResultOf<T extends AnyTask> = T extends AnyTask
  ? TaskRunResult<TaskIdentifier<T>, TaskOutput<T>>
  : never;

const INSTEAD = "Elsewhere use batchTrigger() and batch.retrieve().";

/**
 * Starts a run of one task for each item and suspends the calling run until all have ended. A run that fails is a result that
 * is not `ok`; the others go on. At most 1000 items a call.
 */
export async function batchTriggerAndWait<T extends AnyTask>(
  id: TaskIdentifier<T>,
  items: ItemSource<BatchItem<TaskPayload<T>>>,
  options?: BatchTriggerAndWaitOptions,
  requestOptions?: TriggerRequestOptions,
): Promise<BatchResult<TaskIdentifier<T>, TaskOutput<T>>> {
  const all = collect(items, ({ payload, options }) => ({ task: id, payload, options }));
  return (await waitForAll(
    "batchTriggerAndWait",
    Array.isArray(all) ? all : await all,
    options,
    requestOptions,
  )) as never;
}

/** The same for several tasks: `batch.triggerAndWait<typeof a | typeof b>([{ id: "a", payload }, …])`. */
export async function batchTriggerByIdAndWait<T extends AnyTask>(
  items: ItemSource<T extends AnyTask ? BatchByIdItem<T> : never>,
  options?: BatchTriggerAndWaitOptions,
  requestOptions?: TriggerRequestOptions,
): Promise<{ id: string; runs: TaskRunResultOf<T>[] }> {
  const all = collect(items, ({ id, payload, options }) => ({ task: id, payload, options }));
  return (await waitForAll(
    "batch.triggerAndWait",
    Array.isArray(all) ? all : await all,
    options,
    requestOptions,
  )) as never;
}

/** The same, with the tasks themselves; each result has its own task's output. */
export async function batchTriggerByTaskAndWait<const T extends readonly AnyTask[]>(
  items: { [K in keyof T]: BatchByTaskItem<T[K]> } | AsyncIterable<BatchByTaskItem<T[number]>>,
  options?: BatchTriggerAndWaitOptions,
  requestOptions?: TriggerRequestOptions,
): Promise<{ id: string; runs: { [K in keyof T]: TaskRunResultOf<T[K]> } }> {
  const source = items as ItemSource<BatchByTaskItem<AnyTask>>;
  const all = collect(source, ({ task, payload, options }) => ({ task: task.id, payload, options }));
  const what = "batch.triggerByTaskAndWait";
  return (await waitForAll(what, Array.isArray(all) ? all : await all, options, requestOptions)) as never;
}

/** As the platform completes the entry of a batch. */
interface ItemCompletion {
  id?: string;
  taskIdentifier?: string;
  ok: boolean;
  output?: string;
  outputType?: string;
  error?: WireError;
}

async function waitForAll(
  what: string,
  all: AnyItem[],
  options: BatchTriggerAndWaitOptions | undefined,
  requestOptions: TriggerRequestOptions | undefined,
): Promise<BatchResult<string>> {
  const { durable, scope } = requireDurable(what, INSTEAD);
  const items = encodeItems(all);
  const { completion, opened } = await durable.wait({
    kind: "batch",
    fingerprint: batchFingerprint(items, options),
    label: batchLabel(items).slice(0, 256),
    runCount: items.length,
    open: async (onceKey) => {
      const locked = items.map((item) => ({ ...item, options: sameVersion(scope, item.options) }));
      const batch = await sendBatch(
        locked,
        { ...options, onceKey, ofAttempt: scope.ctx.attempt.number },
        requestOptions,
      );
      return { batchId: batch.batchId };
    },
  });
  if (!completion.ok) throw durable.failure(completion.entry, errorOf(completion.error));
  const fail = (error: Error) => durable.failure(completion.entry, error);
  const ended = JSON.parse(completion.value ?? "[]") as ItemCompletion[];
  return { id: opened.batchId ?? "", runs: items.map((item, index) => resultOf(item, ended[index], fail)) };
}

function resultOf(
  item: EncodedItem,
  ended: ItemCompletion | undefined,
  fail: (error: Error) => Error,
): TaskRunResult<string> {
  const run = { id: ended?.id ?? "", taskIdentifier: ended?.taskIdentifier ?? item.task };
  if (ended?.ok) return { ok: true, ...run, output: decodeValue(ended.output, ended.outputType) };
  return { ok: false, ...run, error: fail(errorOf(ended?.error)) };
}
