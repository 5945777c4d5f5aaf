/** A task object's own triggers: the client's, told which task. */
import { ApiClient } from "../client/api-client.ts";
import type { BatchItem, BatchRunHandle, BatchTriggerOptions, ItemSource, RunHandle, TriggerOptions } from "../client/run-handle.ts";
import type { RequestOptions } from "../client/request-options.ts";
import { triggerBody } from "../client/trigger-body.ts";

export async function triggerRunOf<TId extends string, P, O>(
  id: TId,
  payload: P,
  options?: TriggerOptions,
  request?: RequestOptions,
): Promise<RunHandle<TId, P, O>> {
  const reply = await ApiClient.forCall(request).triggerTask(id, await triggerBody(payload, options));
  return { ...reply, taskIdentifier: id } as RunHandle<TId, P, O>;
}

export async function triggerBatchOf<TId extends string, P, O>(
  _id: TId,
  _items: ItemSource<BatchItem<P>>,
  _options?: BatchTriggerOptions,
  _request?: RequestOptions,
): Promise<BatchRunHandle<TId, P, O>> {
  throw new Error("not yet");
}
