/** The requests that a browser's hooks make too: apart from ApiClient, so that those who need these alone carry no other. */
import type { RunReply } from "../contract/api/index.ts";
import type { ResolvedConfig } from "./configuration.ts";
import { send } from "./http.ts";
import type { RetrievedRun } from "./replies.ts";
import { runFromReply } from "./run-reply.ts";
import type { TriggerBody } from "./trigger-body.ts";

export interface TriggerReply {
  id: string;
  isCached: boolean;
  /** From `x-trigger-jwt`: may read this run, for an hour. */
  publicAccessToken: string;
}

export async function requestTrigger(config: ResolvedConfig, taskId: string, body: TriggerBody): Promise<TriggerReply> {
  const { data, headers } = await send<{ id: string; isCached?: boolean }>(config, {
    method: "POST",
    path: `/api/v1/tasks/${encodeURIComponent(taskId)}/trigger`,
    json: body,
    repeatable: body.options.idempotencyKey === undefined ? "undelivered" : "always",
  });
  return { id: data.id, isCached: data.isCached ?? false, publicAccessToken: headers.get("x-trigger-jwt") ?? "" };
}

/** As the API answers it. */
export async function requestRunReply(config: ResolvedConfig, runId: string): Promise<RunReply> {
  const path = `/api/v3/runs/${encodeURIComponent(runId)}`;
  return (await send<RunReply>(config, { method: "GET", path, repeatable: "always" })).data;
}

export async function requestRun(config: ResolvedConfig, runId: string): Promise<RetrievedRun<unknown, unknown>> {
  return runFromReply(await requestRunReply(config, runId), config);
}
