import { z } from "zod";
import { AppError } from "../../errors.ts";
import { decodeId } from "../../ids.ts";
import type { RunDetail } from "../../runs/run.ts";
import type { Action } from "../access-policy.ts";
import type { Edge } from "../edge.ts";
import type { RouteRequest } from "../route.ts";
import { type RelatedRuns, runReply, runResources } from "../run-view.ts";

/** A malformed id is not looked up: it would be a 404 that sends its owner looking for a lost run. */
export const runParams = z.object({ runId: z.string().max(200) });

type RunRequest = Pick<RouteRequest<{ runId: string }, unknown, unknown>, "params" | "environment" | "allow">;
type ViewRequest = Pick<RouteRequest<unknown, unknown, unknown>, "req" | "identity" | "environment">;

const CHILDREN = 50;

/** The run of the path, if the caller may do this to it. Errors: MALFORMED_ID, RUN_NOT_FOUND, FORBIDDEN. */
export async function authorizedRun(
  edge: Edge,
  { params, environment, allow }: RunRequest,
  action: Action,
): Promise<RunDetail> {
  if (decodeId("run", params.runId) === undefined) {
    throw new AppError("MALFORMED_ID", `"${params.runId.slice(0, 80)}" is not the id of a run.`);
  }
  const run = await edge.deps.runs.retrieve(environment, params.runId);
  if (run === undefined) throw runNotFound(params.runId);
  allow(action, runResources(run));
  return run;
}

export function runNotFound(runId: string): AppError {
  return new AppError("RUN_NOT_FOUND", `There is no run ${runId} in this environment.`);
}

/** A run as its reply shows it, relatives and links to large fields included. */
export async function viewRun(edge: Edge, request: ViewRequest, run: RunDetail) {
  const { environment } = request;
  const link = (field: "payload" | "output") =>
    edge.urls.create(request.req, { do: "run", environmentId: environment.id, runId: run.id, field });
  const [from, checkpoint, related] = await Promise.all([
    edge.deps.schedules.ofRun(environment, run.idempotencyKey),
    edge.deps.checkpoints.ofRun(environment, run),
    relatedRuns(edge, request, run),
  ]);
  return runReply(run, related, link, { from, checkpoint });
}

/** What a public token may read is its run: its relatives are named to keys only. */
async function relatedRuns(edge: Edge, { identity, environment }: ViewRequest, run: RunDetail): Promise<RelatedRuns> {
  if (identity.principal.kind === "public") return {};
  const { runs } = edge.deps;
  const find = (id: string | undefined) =>
    id === undefined || id === run.id ? undefined : runs.retrieve(environment, id);
  const [root, parent, children] = await Promise.all([
    find(run.rootRunId),
    find(run.parentRunId),
    run.startedAt === undefined ? undefined : runs.list(environment, { parentRunId: run.id }, { size: CHILDREN }),
  ]);
  return { root, parent, children: children?.runs };
}
