import { ApiClient } from "./api-client.ts";
import { batchTrigger } from "./batch-trigger.ts";
import type { TaskDetailItem, TaskItem } from "./insight-replies.ts";
import { insightsApi, type ListTasksParams } from "./insights.ts";
import type { PagePromise } from "./page.ts";
import { triggerAndPoll } from "./poll-trigger.ts";
import type { RequestOptions } from "./request-options.ts";
import { trigger } from "./trigger.ts";

/** Tasks of the current version, by id, each with figures of the runs that ended lately. */
function list(params?: ListTasksParams, requestOptions?: RequestOptions): PagePromise<TaskItem> {
  return insightsApi(ApiClient.forCall(requestOptions)).listTasks(params);
}

/** A task as the current version declares it, with its payload's JSON schema where it has one. */
async function retrieve(
  taskId: string,
  params?: { period?: string | undefined },
  requestOptions?: RequestOptions,
): Promise<TaskDetailItem> {
  return insightsApi(ApiClient.forCall(requestOptions)).retrieveTask(taskId, params);
}

/** Triggering by id, and looking at tasks; the task's side of the SDK adds the hooks that Trigger.dev keeps under the same name. */
export const triggerTasks = { trigger, batchTrigger, triggerAndPoll, list, retrieve };
