import { ApiClient, type QueueReference } from "./api-client.ts";
import type { PagePromise } from "./page.ts";
import type { QueueItem } from "./replies.ts";
import type { RequestOptions } from "./request-options.ts";

/** The environment's queues, by page from 1. */
function list(
  options?: { page?: number | undefined; perPage?: number | undefined },
  requestOptions?: RequestOptions,
): PagePromise<QueueItem> {
  return ApiClient.forCall(requestOptions).listQueues(options);
}

/** By `queue_<id>`, `{ type: "task", name: "my-task" }` (a task's own) or `{ type: "custom", name: "my-queue" }`. */
async function retrieve(queue: QueueReference, requestOptions?: RequestOptions): Promise<QueueItem> {
  return ApiClient.forCall(requestOptions).retrieveQueue(queue);
}

/** Starts no more runs from the queue; those that execute go on. */
async function pause(queue: QueueReference, requestOptions?: RequestOptions): Promise<QueueItem> {
  return ApiClient.forCall(requestOptions).pauseQueue(queue, "pause");
}

async function resume(queue: QueueReference, requestOptions?: RequestOptions): Promise<QueueItem> {
  return ApiClient.forCall(requestOptions).pauseQueue(queue, "resume");
}

/** Another limit than the declared one, until it is reset; deploys do not change it. */
async function overrideConcurrencyLimit(
  queue: QueueReference,
  concurrencyLimit: number,
  requestOptions?: RequestOptions,
): Promise<QueueItem> {
  return ApiClient.forCall(requestOptions).overrideQueueConcurrencyLimit(queue, concurrencyLimit);
}

async function resetConcurrencyLimit(queue: QueueReference, requestOptions?: RequestOptions): Promise<QueueItem> {
  return ApiClient.forCall(requestOptions).resetQueueConcurrencyLimit(queue);
}

export const queues = { list, retrieve, pause, resume, overrideConcurrencyLimit, resetConcurrencyLimit };
