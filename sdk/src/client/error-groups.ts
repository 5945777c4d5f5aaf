import { ApiClient } from "./api-client.ts";
import type { ErrorGroupItem } from "./insight-replies.ts";
import { insightsApi, type ListErrorsParams } from "./insights.ts";
import type { PagePromise } from "./page.ts";
import type { RequestOptions } from "./request-options.ts";

/** Failed runs grouped by their error, the latest first; `runs.list({ error: fingerprint })` are a group's runs. */
function list(params?: ListErrorsParams, requestOptions?: RequestOptions): PagePromise<ErrorGroupItem> {
  return insightsApi(ApiClient.forCall(requestOptions)).listErrors(params);
}

async function retrieve(
  fingerprint: string,
  params?: { period?: string | undefined },
  requestOptions?: RequestOptions,
): Promise<ErrorGroupItem> {
  return insightsApi(ApiClient.forCall(requestOptions)).retrieveError(fingerprint, params);
}

export const errors = { list, retrieve };
