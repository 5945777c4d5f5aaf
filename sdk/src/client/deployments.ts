import { ApiClient } from "./api-client.ts";
import type { PagePromise } from "./page.ts";
import type { DeploymentItem, DeploymentItemDetail } from "./replies.ts";
import type { RequestOptions } from "./request-options.ts";

/** The environment's versions, newest first. */
function list(
  options?: { limit?: number | undefined; after?: string | undefined },
  requestOptions?: RequestOptions,
): PagePromise<DeploymentItem> {
  return ApiClient.forCall(requestOptions).listDeployments(options);
}

/** By id or version (`YYYYMMDD.N`). */
async function retrieve(idOrVersion: string, requestOptions?: RequestOptions): Promise<DeploymentItemDetail> {
  return ApiClient.forCall(requestOptions).retrieveDeployment(idOrVersion);
}

/** The version that new runs get. */
async function retrieveCurrent(requestOptions?: RequestOptions): Promise<DeploymentItem> {
  return ApiClient.forCall(requestOptions).retrieveCurrentDeployment();
}

export const deployments = { list, retrieve, retrieveCurrent };
