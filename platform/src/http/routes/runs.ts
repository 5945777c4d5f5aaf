import {
  addTagsBodySchema,
  addTagsReplySchema,
  cancelBodySchema,
  eventsQuerySchema,
  eventsReplySchema,
  explainReplySchema,
  forceFailBodySchema,
  metadataBodySchema,
  metadataReplySchema,
  parseMetadataKey,
  presignedReplySchema,
  replayBodySchema,
  rescheduleBodySchema,
  resetIdempotencyKeyBodySchema,
  resetIdempotencyKeyReplySchema,
  runIdReplySchema,
  runListQuerySchema,
  runListReplySchema,
  runReplySchema,
  runResultReplySchema,
  text,
  traceReplySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { decodeId } from "../../ids.ts";
import { AppError } from "../../errors.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import type { RunDetail, TriggerRequest } from "../../runs/run.ts";
import type { Action } from "../access-policy.ts";
import type { Edge } from "../edge.ts";
import { type Route, type RouteRequest, route, SMALL_BODY } from "../route.ts";
import { listResources, toPageRequest, toRunFilter } from "../run-filter.ts";
import { listedRun, metadataOf, type RelatedRuns, runReply, runResources, runResult } from "../run-view.ts";
import { traceOf } from "../trace-view.ts";
import { applyPlace, applyTimes, toDuration, toInstant, toMetadata, toPayload, toTags } from "../trigger-request.ts";
import { triggerBodyLimit, triggerContext } from "./trigger.ts";

/** A malformed id is not looked up: it would be a 404 that sends its owner looking for a lost run. */
const runParams = z.object({ runId: z.string().max(200) });
type RunRequest = Pick<RouteRequest<{ runId: string }, unknown, unknown>, "params" | "environment" | "allow">;

const CHILDREN = 50;
const TRACE_EVENTS = 5000;

export function runRoutes(edge: Edge): Route[] {
  const { runs, clock } = edge.deps;

  /** The run of the path, if the caller may do this to it. Errors: MALFORMED_ID, RUN_NOT_FOUND, FORBIDDEN. */
  async function authorized({ params, environment, allow }: RunRequest, action: Action): Promise<RunDetail> {
    if (decodeId("run", params.runId) === undefined)
      throw new AppError("MALFORMED_ID", `"${params.runId.slice(0, 80)}" is not the id of a run.`);
    const run = await runs.retrieve(environment, params.runId);
    if (run === undefined) throw notFound(params.runId);
    allow(action, runResources(run));
    return run;
  }

  /** What a public token may read is its run: its relatives are named to keys only. */
  async function related(
    run: RunDetail,
    request: Pick<RouteRequest<unknown, unknown, unknown>, "identity" | "environment">,
  ): Promise<RelatedRuns> {
    if (request.identity.principal.kind === "public") return {};
    const find = (id: string | undefined) =>
      id === undefined || id === run.id ? undefined : runs.retrieve(request.environment, id);
    const [root, parent, children] = await Promise.all([
      find(run.rootRunId),
      find(run.parentRunId),
      run.startedAt === undefined
        ? undefined
        : runs.list(request.environment, { parentRunId: run.id }, { size: CHILDREN }),
    ]);
    return { root, parent, children: children?.runs };
  }

  const view = async (
    run: RunDetail,
    request: Parameters<typeof related>[1] & Pick<RouteRequest<unknown, unknown, unknown>, "req">,
  ) =>
    runReply(run, await related(run, request), (field) =>
      edge.urls.create(request.req, { do: "run", environmentId: request.environment.id, runId: run.id, field }),
    );

  return [
    route({
      method: "get",
      path: "/api/v3/runs/:runId",
      tag: "runs",
      summary: "Retrieve a run",
      access: { by: "late", action: "read" },
      params: runParams,
      reply: runReplySchema,
      handle: async (request) => view(await authorized(request, "read"), request),
    }),
    route({
      method: "get",
      path: "/api/v1/runs",
      tag: "runs",
      summary: "List runs, newest first",
      access: { by: "late", action: "read" },
      query: runListQuerySchema,
      reply: runListReplySchema,
      async handle({ query, environment, allow }) {
        const filter = toRunFilter(query, clock.now());
        allow("read", listResources(filter));
        const page = await runs.list(environment, filter, toPageRequest(query));
        return {
          data: page.runs.map((run) => listedRun(run, environment)),
          pagination: { next: page.next, previous: page.previous },
        };
      },
    }),
    route({
      method: "post",
      path: "/api/v2/runs/:runId/cancel",
      tag: "runs",
      summary: "Cancel a run; one that has ended is left as it is",
      access: { by: "late", action: "write" },
      params: runParams,
      body: { schema: cancelBodySchema, limit: SMALL_BODY },
      reply: runIdReplySchema,
      async handle(request) {
        const run = await authorized(request, "write");
        await runs.cancel(request.environment, run.id, request.body.reason);
        return { id: run.id };
      },
    }),
    route({
      method: "post",
      path: "/api/v1/runs/:runId/replay",
      tag: "runs",
      summary: "Run it again: the same task, payload and options, with overrides",
      access: { by: "late", action: "write" },
      params: runParams,
      body: { schema: replayBodySchema, limit: triggerBodyLimit(edge) },
      reply: runIdReplySchema,
      async handle(request) {
        const run = await authorized(request, "write");
        const overrides = await replayOverrides(request.body, request.environment);
        const { runId } = await runs.replay(request.environment, run.id, overrides);
        return { id: runId };
      },
    }),
    route({
      method: "post",
      path: "/api/v1/runs/:runId/reschedule",
      tag: "runs",
      summary: "Give a delayed run another time",
      access: { by: "late", action: "write" },
      params: runParams,
      body: { schema: rescheduleBodySchema, limit: SMALL_BODY },
      reply: runReplySchema,
      async handle(request) {
        const delayUntil = toInstant(request.body.delay, clock.now());
        const run = await authorized(request, "write");
        await runs.reschedule(request.environment, run.id, delayUntil);
        return view(await authorized(request, "write"), request);
      },
    }),
    route({
      method: "post",
      path: "/api/v1/runs/:runId/tags",
      tag: "runs",
      summary: "Add tags to a run",
      access: { by: "late", action: "write" },
      params: runParams,
      body: { schema: addTagsBodySchema, limit: SMALL_BODY },
      reply: addTagsReplySchema,
      async handle(request) {
        const tags = toTags(request.body.tags, await edge.limits.get(request.environment));
        const run = await authorized(request, "write");
        const all = await runs.addTags(request.environment, run.id, tags);
        return { message: `The run has ${all.length} ${all.length === 1 ? "tag" : "tags"}.`, tags: all };
      },
    }),
    route({
      method: "get",
      path: "/api/v1/runs/:runId/metadata",
      tag: "runs",
      summary: "Retrieve a run's metadata",
      access: { by: "late", action: "read" },
      params: runParams,
      reply: metadataReplySchema,
      handle: async (request) => ({ metadata: metadataOf(await authorized(request, "read")) ?? {} }),
    }),
    route({
      method: "put",
      path: "/api/v1/runs/:runId/metadata",
      tag: "runs",
      summary: "Replace a run's metadata, or apply operations to it",
      access: { by: "late", action: "write" },
      params: runParams,
      body: { schema: metadataBodySchema, limit: SMALL_BODY },
      reply: metadataReplySchema,
      async handle(request) {
        const { metadata, ...operations } = request.body;
        // Checked before anything is written: the operations go to up to three runs.
        for (const list of Object.values(operations)) {
          for (const operation of list ?? []) if ("key" in operation) parseMetadataKey(operation.key);
        }
        const run = await authorized(request, "write");
        const replace =
          metadata === undefined
            ? {}
            : { replace: toMetadata(metadata, undefined, await edge.limits.get(request.environment)) };
        return {
          metadata: await runs.updateMetadata(request.environment, run.id, { ...replace, ...defined(operations) }),
        };
      },
    }),
    route({
      method: "get",
      path: "/api/v1/runs/:runId/result",
      tag: "runs",
      summary: "A run's result; 404 until it has ended",
      access: { by: "late", action: "read" },
      params: runParams,
      reply: runResultReplySchema,
      async handle(request) {
        const result = runResult(await authorized(request, "read"));
        if (result === undefined) throw new AppError("NOT_FOUND", "The run has not ended yet.");
        return result;
      },
    }),
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
        const run = await authorized(request, "read");
        const { after, limit } = request.query;
        const events =
          (await runs.events(request.environment, run.id, { limit, ...(after === undefined ? {} : { after }) })) ?? [];
        return {
          events: events.map((event) => ({ ...event, at: event.at.toISOString(), data: parsed(event.data) })),
          next: events.length < limit ? undefined : events.at(-1)?.cursor,
        };
      },
    }),
    route({
      method: "get",
      path: "/api/v1/runs/:runId/trace",
      tag: "runs",
      summary: "A run, its attempts and their log as a tree of spans",
      access: { by: "late", action: "read" },
      params: runParams,
      reply: traceReplySchema,
      async handle(request) {
        const run = await authorized(request, "read");
        const events = (await runs.events(request.environment, run.id, { limit: TRACE_EVENTS })) ?? [];
        return { trace: { traceId: run.rootRunId ?? run.id, rootSpan: traceOf(run, events, clock.now()) } };
      },
    }),
    route({
      method: "get",
      path: "/api/v1/runs/:runId/explain",
      tag: "runs",
      summary: "Why a run is where it is: what holds it back, and how many are before it",
      access: { by: "late", action: "read" },
      params: runParams,
      reply: explainReplySchema,
      async handle(request) {
        const run = await authorized(request, "read");
        const explanation = await runs.explain(request.environment, run.id);
        if (explanation === undefined) throw notFound(run.id);
        return explanation;
      },
    }),
    route({
      method: "post",
      path: "/api/v1/runs/:runId/force-fail",
      tag: "runs",
      summary: "End a run as SYSTEM_FAILURE whatever its worker does: an operator's last resort",
      access: { by: "policy", action: "admin", kind: "runs", idFrom: "runId" },
      params: runParams,
      body: { schema: forceFailBodySchema, limit: SMALL_BODY },
      reply: runIdReplySchema,
      async handle(request) {
        const run = await authorized(request, "admin");
        await runs.forceFail(request.environment, run.id, request.body.reason);
        return { id: run.id };
      },
    }),
    route({
      method: "get",
      path: "/api/v1/runs/:runId/packets/:field",
      tag: "packets",
      summary: "A URL for a run's whole payload or output",
      access: { by: "late", action: "read" },
      params: runParams.extend({ field: z.enum(["payload", "output"]) }),
      reply: presignedReplySchema,
      async handle(request) {
        const run = await authorized(request, "read");
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
    }),
    route({
      method: "post",
      path: "/api/v1/idempotencyKeys/:key/reset",
      tag: "runs",
      summary: "Forget an idempotency key, so that the next trigger with it makes a new run",
      access: { by: "policy", action: "write", kind: "runs" },
      params: z.object({ key: text(2048, 1) }),
      body: { schema: resetIdempotencyKeyBodySchema, limit: SMALL_BODY },
      reply: resetIdempotencyKeyReplySchema,
      async handle({ params, body, environment }) {
        const isReset = await runs.resetIdempotencyKey(environment, body.taskIdentifier, params.key);
        if (!isReset) throw new AppError("NOT_FOUND", "No run holds this idempotency key.");
        return { id: params.key };
      },
    }),
  ];

  async function replayOverrides(
    body: z.output<typeof replayBodySchema>,
    environment: EnvironmentRef,
  ): Promise<Partial<TriggerRequest>> {
    const context = await triggerContext(edge, environment);
    const overrides: Partial<TriggerRequest> = {};
    applyTimes(overrides, body, context);
    applyPlace(overrides, { ...body, queue: body.queue === undefined ? undefined : { name: body.queue } }, context);
    if (body.payload !== undefined) overrides.payload = toPayload(body.payload, body.payloadType, context.limits);
    if (body.metadata !== undefined) overrides.metadata = toMetadata(body.metadata, undefined, context.limits);
    if (body.tags !== undefined) overrides.tags = toTags(body.tags, context.limits);
    if (body.idempotencyKey !== undefined) {
      overrides.idempotencyKey = body.idempotencyKey;
      overrides.idempotencyKeyTtlMs =
        body.idempotencyKeyTTL === undefined
          ? context.limits.idempotencyKeyTtlMs
          : toDuration("idempotencyKeyTTL", body.idempotencyKeyTTL);
    }
    return overrides;
  }
}

function notFound(runId: string): AppError {
  return new AppError("RUN_NOT_FOUND", `There is no run ${runId} in this environment.`);
}

function parsed(data: string | undefined): unknown {
  if (data === undefined) return undefined;
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
