import { ApiClient } from "./api-client.ts";
import type { ClusterItem, EnvironmentItem, EnvironmentUsageItem } from "./insight-replies.ts";
import { insightsApi } from "./insights.ts";
import type { RequestOptions } from "./request-options.ts";

const of = (requestOptions: RequestOptions | undefined) => insightsApi(ApiClient.forCall(requestOptions));

export const cluster = {
  /** What executes the environment's runs: Jobs and pods with their reasons, or processes; and the nodes' room. */
  retrieve: (requestOptions?: RequestOptions): Promise<ClusterItem> => of(requestOptions).retrieveCluster(),
};

export const environments = {
  /** Those that the credential may see. */
  list: (requestOptions?: RequestOptions): Promise<EnvironmentItem[]> => of(requestOptions).listEnvironments(),
  /** The environment's limits, and how much of them is used. */
  usage: (requestOptions?: RequestOptions): Promise<EnvironmentUsageItem> => of(requestOptions).retrieveUsage(),
};
