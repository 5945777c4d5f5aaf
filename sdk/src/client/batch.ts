import { ApiClient } from "./api-client.ts";
import { batchTriggerById, batchTriggerByTask } from "./batch-trigger.ts";
import type { BatchListItem } from "./insight-replies.ts";
import { insightsApi, type ListBatchesParams } from "./insights.ts";
import type { PagePromise } from "./page.ts";
import type { RetrievedBatchItem } from "./replies.ts";
import type { RequestOptions } from "./request-options.ts";

/** How far a batch is: its runs' ids in the order of the items, and the items that could not be triggered. */
async function retrieveBatch(batchId: string, requestOptions?: RequestOptions): Promise<RetrievedBatchItem> {
  return ApiClient.forCall(requestOptions).retrieveBatch(batchId);
}

/** The environment's batches, newest first. */
function listBatches(params?: ListBatchesParams, requestOptions?: RequestOptions): PagePromise<BatchListItem> {
  return insightsApi(ApiClient.forCall(requestOptions)).listBatches(params);
}

export const batch = {
  trigger: batchTriggerById,
  triggerByTask: batchTriggerByTask,
  retrieve: retrieveBatch,
  list: listBatches,
};
