import {
  addTagsBodySchema,
  addTagsReplySchema,
  cancelBodySchema,
  forceFailBodySchema,
  metadataBodySchema,
  metadataReplySchema,
  parseMetadataKey,
  replayBodySchema,
  rescheduleBodySchema,
  resetIdempotencyKeyBodySchema,
  resetIdempotencyKeyReplySchema,
  runIdReplySchema,
  runReplySchema,
  text,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import type { TriggerRequest } from "../../runs/run.ts";
import type { Edge } from "../edge.ts";
import { type Route, route, SMALL_BODY } from "../route.ts";
import { applyPlace, applyTimes, toDuration, toInstant, toMetadata, toPayload, toTags } from "../trigger-request.ts";
import { authorizedRun, runParams, viewRun } from "./run-access.ts";
import { triggerBodyLimit, triggerContext } from "./trigger.ts";

/** Changing runs: cancel, replay, reschedule, tags, metadata, and an operator's last resort. */
export function runChangeRoutes(edge: Edge): Route[] {
  return [cancelRun, replayRun, rescheduleRun, addTags, changeMetadata, forceFail, resetIdempotencyKey].map((make) =>
    make(edge),
  );
}

const cancelRun = (edge: Edge) =>
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
      const run = await authorizedRun(edge, request, "write");
      await edge.deps.runs.cancel(request.environment, run.id, request.body.reason);
      return { id: run.id };
    },
  });

const replayRun = (edge: Edge) =>
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
      const run = await authorizedRun(edge, request, "write");
      const overrides = await replayOverrides(edge, request.body, request.environment);
      const { runId } = await edge.deps.runs.replay(request.environment, run.id, overrides);
      return { id: runId };
    },
  });

const rescheduleRun = (edge: Edge) =>
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
      const delayUntil = toInstant(request.body.delay, edge.deps.clock.now());
      const run = await authorizedRun(edge, request, "write");
      await edge.deps.runs.reschedule(request.environment, run.id, delayUntil);
      return viewRun(edge, request, await authorizedRun(edge, request, "write"));
    },
  });

const addTags = (edge: Edge) =>
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
      const run = await authorizedRun(edge, request, "write");
      const all = await edge.deps.runs.addTags(request.environment, run.id, tags);
      return { message: `The run has ${all.length} ${all.length === 1 ? "tag" : "tags"}.`, tags: all };
    },
  });

const changeMetadata = (edge: Edge) =>
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
      const run = await authorizedRun(edge, request, "write");
      const replace =
        metadata === undefined
          ? {}
          : { replace: toMetadata(metadata, undefined, await edge.limits.get(request.environment)) };
      return {
        metadata: await edge.deps.runs.updateMetadata(request.environment, run.id, {
          ...replace,
          ...defined(operations),
        }),
      };
    },
  });

const forceFail = (edge: Edge) =>
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
      const run = await authorizedRun(edge, request, "admin");
      await edge.deps.runs.forceFail(request.environment, run.id, request.body.reason);
      return { id: run.id };
    },
  });

const resetIdempotencyKey = (edge: Edge) =>
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
      const isReset = await edge.deps.runs.resetIdempotencyKey(environment, body.taskIdentifier, params.key);
      if (!isReset) throw new AppError("NOT_FOUND", "No run holds this idempotency key.");
      return { id: params.key };
    },
  });

async function replayOverrides(
  edge: Edge,
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

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
