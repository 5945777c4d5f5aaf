import { ApiClient } from "./api-client.ts";
import type { BulkActionOptions, BulkOptions } from "./bulk-action-body.ts";
import { pause } from "./http.ts";
import type { BulkActionItem } from "./insight-replies.ts";
import { type BackAndForth, insightsApi } from "./insights.ts";
import type { PagePromise } from "./page.ts";
import type { RequestOptions } from "./request-options.ts";

const of = (requestOptions: RequestOptions | undefined) => insightsApi(ApiClient.forCall(requestOptions));

/** Cancels or replays many runs: the platform goes through them by itself, also after this process has ended. */
async function create(options: BulkActionOptions, requestOptions?: RequestOptions): Promise<{ id: string }> {
  return of(requestOptions).createBulkAction(options);
}

async function cancel(options: BulkOptions, requestOptions?: RequestOptions): Promise<{ id: string }> {
  return create({ ...options, action: "cancel" }, requestOptions);
}

async function replay(options: BulkOptions, requestOptions?: RequestOptions): Promise<{ id: string }> {
  return create({ ...options, action: "replay" }, requestOptions);
}

/** How far it is, and what it could not be done to. */
async function retrieve(bulkActionId: string, requestOptions?: RequestOptions): Promise<BulkActionItem> {
  return of(requestOptions).retrieveBulkAction(bulkActionId);
}

/** It goes no further; what was done stays done. */
async function abort(bulkActionId: string, requestOptions?: RequestOptions): Promise<{ id: string }> {
  return of(requestOptions).abortBulkAction(bulkActionId);
}

/** Newest first. */
function list(params?: BackAndForth, requestOptions?: RequestOptions): PagePromise<BulkActionItem> {
  return of(requestOptions).listBulkActions(params);
}

/** Looks until it has gone through all its runs, or was aborted. */
async function poll(
  bulkActionId: string,
  options: { pollIntervalMs?: number | undefined } = {},
  requestOptions?: RequestOptions,
): Promise<BulkActionItem> {
  for (;;) {
    const action = await retrieve(bulkActionId, requestOptions);
    if (action.status !== "PENDING") return action;
    await pause(options.pollIntervalMs ?? 1000, requestOptions?.signal);
  }
}

export const bulkActions = { create, retrieve, abort, list, poll };
/** The same under the names that Trigger.dev has for them. */
export const bulkRuns = { cancel, replay, retrieve, abort, list, poll };
