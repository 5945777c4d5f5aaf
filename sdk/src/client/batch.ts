import { ApiClient } from "./api-client.ts";
import { batchTriggerById, batchTriggerByTask } from "./batch-trigger.ts";
import type { RetrievedBatchItem } from "./replies.ts";
import type { RequestOptions } from "./request-options.ts";

/** How far a batch is: its runs' ids in the order of the items, and the items that could not be triggered. */
async function retrieveBatch(batchId: string, requestOptions?: RequestOptions): Promise<RetrievedBatchItem> {
  return ApiClient.forCall(requestOptions).retrieveBatch(batchId);
}

export const batch = { trigger: batchTriggerById, triggerByTask: batchTriggerByTask, retrieve: retrieveBatch };
