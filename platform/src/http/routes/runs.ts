import {
  eventsQuerySchema,
  eventsReplySchema,
  explainReplySchema,
  metadataReplySchema,
  presignedReplySchema,
  runCountsReplySchema,
  runFilterQuerySchema,
  runListQuerySchema,
  runListReplySchema,
  runReplySchema,
  runResultReplySchema,
  traceReplySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import type { RunDetail } from "../../runs/run.ts";
import type { Edge } from "../edge.ts";
import { type Route, route } from "../route.ts";
import { listResources, toPageRequest, toRunFilter } from "../run-filter.ts";
import { listedRun, metadataOf, runResult } from "../run-view.ts";
import { type TraceParts, traceOf } from "../trace-view.ts";
import { authorizedRun, runNotFound, runParams, viewRun } from "./run-access.ts";

const TRACE_EVENTS = 5000;

/** Reading runs. */
export function runRoutes(edge: Edge): Route[] {
  return [
    retrieveRun,
    listRuns,
    countRuns,
    retrieveMetadata,
    retrieveResult,
    listEvents,
    retrieveTrace,
    explainRun,
    linkField,
  ].map((make) => make(edge));
}

const retrieveRun = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v3/runs/:runId",
    tag: "runs",
    summary: "Retrieve a run",
    access: { by: "late", action: "read" },
    params: runParams,
    reply: runReplySchema,
    handle: async (request) => viewRun(edge, request, await authorizedRun(edge, request, "read")),
  });

const listRuns = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/runs",
    tag: "runs",
    summary: "List runs, newest first",
    access: { by: "late", action: "read" },
    query: runListQuerySchema,
    reply: runListReplySchema,
    async handle({ query, environment, allow }) {
      const filter = toRunFilter(query, edge.deps.clock.now());
      allow("read", listResources(filter));
      const page = await edge.deps.runs.list(environment, filter, toPageRequest(query));
      return {
        data: page.runs.map((run) => listedRun(run, environment)),
        pagination: { next: page.next, previous: page.previous },
      };
    },
  });

const countRuns = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/runs/counts",
    tag: "runs",
    summary: "How many runs match a filter, by status; a count stops at 10,000",
    access: { by: "policy", action: "read", kind: "insights" },
    query: runFilterQuerySchema,
    reply: runCountsReplySchema,
    async handle({ query, environment }) {
      const statuses = await edge.deps.runs.count(environment, toRunFilter(query, edge.deps.clock.now()));
      return {
        total: statuses.reduce((sum, { count }) => sum + count, 0),
        isCapped: statuses.some(({ isCapped }) => isCapped),
        statuses,
      };
    },
  });

const retrieveMetadata = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/runs/:runId/metadata",
    tag: "runs",
    summary: "Retrieve a run's metadata",
    access: { by: "late", action: "read" },
    params: runParams,
    reply: metadataReplySchema,
    handle: async (request) => ({ metadata: metadataOf(await authorizedRun(edge, request, "read")) ?? {} }),
  });

const retrieveResult = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/runs/:runId/result",
    tag: "runs",
    summary: "A run's result; 404 until it has ended",
    access: { by: "late", action: "read" },
    params: runParams,
    reply: runResultReplySchema,
    async handle(request) {
      const result = runResult(await authorizedRun(edge, request, "read"));
      if (result === undefined) throw new AppError("NOT_FOUND", "The run has not ended yet.");
      return result;
    },
  });

const listEvents = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/runs/:runId/events",
    tag: "runs",
    summary: "What a run logged, oldest first",
    access: { by: "late", action: "read" },
    params: runParams,
    query: eventsQuerySchema,
    reply: eventsReplySchema,
    async handle(request) {
      const run = await authorizedRun(edge, request, "read");
      const { after, limit } = request.query;
      const events =
        (await edge.deps.runs.events(request.environment, run.id, {
          limit,
          ...(after === undefined ? {} : { after }),
        })) ?? [];
      return {
        events: events.map((event) => ({ ...event, at: event.at.toISOString(), data: parsed(event.data) })),
        next: events.length < limit ? undefined : events.at(-1)?.cursor,
      };
    },
  });

const retrieveTrace = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/runs/:runId/trace",
    tag: "runs",
    summary: "A run, its attempts, their steps, waits and log as a tree of spans",
    access: { by: "late", action: "read" },
    params: runParams,
    reply: traceReplySchema,
    async handle(request) {
      const run = await authorizedRun(edge, request, "read");
      const parts = await tracePartsOf(edge, request.environment, run);
      return { trace: { traceId: run.rootRunId ?? run.id, rootSpan: traceOf(run, parts, edge.deps.clock.now()) } };
    },
  });

/** What may have become of a waiting run's worker; the details say why. */
const WORKER_GONE_OR_KEPT = ["WORKER_HELD", "WORKER_LEFT", "WORKER_STORED"];

async function tracePartsOf(edge: Edge, environment: EnvironmentRef, run: RunDetail): Promise<TraceParts> {
  const { runs, journals } = edge.deps;
  const [events, journal, explanation] = await Promise.all([
    runs.events(environment, run.id, { limit: TRACE_EVENTS }),
    journals.view(environment, run.id, { limit: TRACE_EVENTS }),
    run.status === "WAITING" ? runs.explain(environment, run.id) : undefined,
  ]);
  const worker = explanation?.reasons.find(({ reason }) => WORKER_GONE_OR_KEPT.includes(reason));
  return { events: events ?? [], journal, checkpoint: worker?.details };
}

const explainRun = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/runs/:runId/explain",
    tag: "runs",
    summary: "Why a run is where it is: what holds it back, and how many are before it",
    access: { by: "late", action: "read" },
    params: runParams,
    reply: explainReplySchema,
    async handle(request) {
      const run = await authorizedRun(edge, request, "read");
      const explanation = await edge.deps.runs.explain(request.environment, run.id);
      if (explanation === undefined) throw runNotFound(run.id);
      return explanation;
    },
  });

const linkField = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/runs/:runId/packets/:field",
    tag: "packets",
    summary: "A URL for a run's whole payload or output",
    access: { by: "late", action: "read" },
    params: runParams.extend({ field: z.enum(["payload", "output"]) }),
    reply: presignedReplySchema,
    async handle(request) {
      const run = await authorizedRun(edge, request, "read");
      const { field } = request.params;
      return {
        presignedUrl: edge.urls.create(request.req, {
          do: "run",
          environmentId: request.environment.id,
          runId: run.id,
          field,
        }),
      };
    },
  });

function parsed(data: string | undefined): unknown {
  if (data === undefined) return undefined;
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
