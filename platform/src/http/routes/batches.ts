import {
  type BatchLine,
  batchBodySchema,
  batchItemsReplySchema,
  batchLineSchema,
  batchReplySchema,
  batchResultsReplySchema,
  createBatchBodySchema,
  createBatchReplySchema,
  type RetrievedBatch,
  retrievedBatchSchema,
  taskBatchBodySchema,
  taskBatchReplySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import { decodeId } from "../../ids.ts";
import type { BatchDetail } from "../../runs/run.ts";
import type { Action } from "../access-policy.ts";
import type { Identity } from "../authenticate.ts";
import { addStream, collectItems, requireTasks, triggerItems } from "../batch-intake.ts";
import type { BodyLimit } from "../body.ts";
import type { Edge } from "../edge.ts";
import { type Route, type RouteRequest, route, SMALL_BODY } from "../route.ts";
import { runResult } from "../run-view.ts";
import { setHandleToken, spendOneTimeToken, taskParams } from "./trigger.ts";

const batchParams = z.object({ batchId: z.string().max(200) });
type BatchRequest = Pick<RouteRequest<{ batchId: string }, unknown, unknown>, "params" | "environment">;

/** A batch in one JSON body; a larger one goes by NDJSON, which is read as it comes. */
const BATCH_BODY: BodyLimit = { bytes: 16 * 1024 * 1024, name: "batchBytes" };
const RESULTS_AT_ONCE = 20;

export function batchRoutes(edge: Edge): Route[] {
  return [createBatch, addItems, retrieveBatch, retrieveBatchAsBefore, batchResults, batchOneTask, batchTasks].map(
    (make) => make(edge),
  );
}

const createBatch = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v3/batches",
    tag: "trigger",
    summary: "Create a batch; its items follow as NDJSON",
    access: { by: "late", action: "batchTrigger" },
    body: { schema: createBatchBodySchema, limit: SMALL_BODY },
    reply: createBatchReplySchema,
    async handle({ res, body, identity, environment, allow }) {
      allowTasks(allow, body.taskIdentifiers);
      refuseTooMany(body.runCount, (await edge.limits.get(environment)).batchItems);
      await requireTasks(edge, environment, body.taskIdentifiers ?? []);
      await spendOneTimeToken(edge, identity);
      const { idempotencyKey } = body;
      const { batchId, isCached } = await edge.deps.runs.createBatch(environment, {
        expectedCount: body.runCount,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        ...parentOf(identity, body.parentRunId),
      });
      setHandleToken(edge, res, environment, `read:batch:${batchId}`);
      // A batch that was made before and never got all its items is filled again: a cached one would stay empty forever.
      const isComplete = isCached && (await edge.deps.runs.retrieveBatch(environment, batchId))?.sealed === true;
      return {
        id: batchId,
        runCount: body.runCount,
        isCached: isComplete,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      };
    },
  });

const addItems = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v3/batches/:batchId/items",
    tag: "trigger",
    summary: "Add items to a batch, one JSON object a line; sending an index again is harmless",
    access: { by: "late", action: "batchTrigger" },
    params: batchParams,
    body: { stream: "application/x-ndjson", schema: batchLineSchema },
    reply: batchItemsReplySchema,
    async handle(request) {
      const batch = await findBatch(edge, request);
      return addStream(edge, {
        ...request,
        batch,
        allowTask: (task) => request.allow("batchTrigger", [{ kind: "tasks", id: task }]),
      });
    },
  });

const retrieveBatch = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v2/batches/:batchId",
    tag: "batches",
    summary: "Retrieve a batch",
    access: { by: "policy", action: "read", kind: "batch", idFrom: "batchId" },
    params: batchParams,
    reply: retrievedBatchSchema,
    handle: async (request) => batchView(await findBatch(edge, request)),
  });

const retrieveBatchAsBefore = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/batches/:batchId",
    tag: "batches",
    summary: "Retrieve a batch (older path)",
    access: { by: "policy", action: "read", kind: "batch", idFrom: "batchId" },
    params: batchParams,
    reply: retrievedBatchSchema,
    handle: async (request) => batchView(await findBatch(edge, request)),
  });

const batchResults = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/batches/:batchId/results",
    tag: "batches",
    summary: "Results of a batch's runs that have ended",
    access: { by: "policy", action: "read", kind: "batch", idFrom: "batchId" },
    params: batchParams,
    reply: batchResultsReplySchema,
    async handle(request) {
      const batch = await findBatch(edge, request);
      const items = [];
      for (let at = 0; at < batch.runIds.length; at += RESULTS_AT_ONCE) {
        const some = await Promise.all(
          batch.runIds.slice(at, at + RESULTS_AT_ONCE).map((id) => edge.deps.runs.retrieve(request.environment, id)),
        );
        items.push(...some.flatMap((run) => (run === undefined ? [] : (runResult(run) ?? []))));
      }
      return { id: batch.id, items };
    },
  });

const batchOneTask = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/tasks/:taskId/batch",
    tag: "trigger",
    summary: "Trigger several runs of one task in one body",
    access: { by: "policy", action: "batchTrigger", kind: "tasks", idFrom: "taskId" },
    params: taskParams,
    body: { schema: taskBatchBodySchema, limit: BATCH_BODY },
    reply: taskBatchReplySchema,
    async handle(request) {
      const items = request.body.items.map((item, index) => ({ ...item, index, task: request.params.taskId }));
      const { batchId, results } = await makeBatch(edge, request, items);
      setHandleToken(edge, request.res, request.environment, `read:batch:${batchId}`);
      const failed = results.find((result) => "error" in result);
      if (failed !== undefined && "error" in failed) throw failed.error;
      return { batchId, runs: results.flatMap((result) => ("result" in result ? [result.result.runId] : [])) };
    },
  });

const batchTasks = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v2/tasks/batch",
    tag: "trigger",
    summary: "Trigger runs of several tasks in one body",
    access: { by: "late", action: "batchTrigger" },
    body: { schema: batchBodySchema, limit: BATCH_BODY },
    reply: batchReplySchema,
    async handle(request) {
      const { items, parentRunId } = request.body;
      allowTasks(
        request.allow,
        items.map(({ task }) => task),
      );
      const { batchId } = await makeBatch(
        edge,
        request,
        items.map((item, index) => ({ ...item, index })),
        parentRunId,
      );
      setHandleToken(edge, request.res, request.environment, `read:batch:${batchId}`);
      return { id: batchId, runCount: items.length };
    },
  });

/** Errors: MALFORMED_ID, BATCH_NOT_FOUND. */
async function findBatch(edge: Edge, { params, environment }: BatchRequest): Promise<BatchDetail> {
  if (decodeId("batch", params.batchId) === undefined) {
    throw new AppError("MALFORMED_ID", `"${params.batchId.slice(0, 80)}" is not the id of a batch.`);
  }
  const batch = await edge.deps.runs.retrieveBatch(environment, params.batchId);
  if (batch === undefined)
    throw new AppError("BATCH_NOT_FOUND", `There is no batch ${params.batchId} in this environment.`);
  return batch;
}

/** Makes, fills and seals a batch from one body. */
async function makeBatch(
  edge: Edge,
  request: Pick<RouteRequest<unknown, unknown, unknown>, "identity" | "environment">,
  items: BatchLine[],
  parentRunId?: string,
) {
  const { identity, environment } = request;
  const limits = await edge.limits.get(environment);
  refuseTooMany(items.length, limits.batchItems);
  await requireTasks(
    edge,
    environment,
    items.map(({ task }) => task),
  );
  await spendOneTimeToken(edge, identity);
  const requests = await collectItems(edge, identity, environment, items);
  const { batchId } = await edge.deps.runs.createBatch(environment, {
    expectedCount: items.length,
    ...parentOf(identity, parentRunId),
  });
  const results = await triggerItems(edge, environment, batchId, requests);
  await edge.deps.runs.sealBatch(environment, batchId);
  return { batchId, results };
}

/** A batch of several tasks needs a scope for each of them. */
function allowTasks(
  allow: (action: Action, resources: { kind: "tasks"; id?: string }[]) => void,
  tasks: readonly string[] | undefined,
): void {
  for (const id of new Set(tasks ?? [])) allow("batchTrigger", [{ kind: "tasks", id }]);
  if (tasks === undefined || tasks.length === 0) allow("batchTrigger", [{ kind: "tasks" }]);
}

function parentOf({ principal }: Identity, said: string | undefined): { parentRunId?: string } {
  if (principal.kind === "run") return { parentRunId: principal.runId };
  return said === undefined || principal.kind === "public" ? {} : { parentRunId: said };
}

function refuseTooMany(count: number, limit: number): void {
  if (count <= limit) return;
  throw new AppError("TOO_MANY_ITEMS", `The batch has ${count} items; the limit batchItems is ${limit}.`, {
    details: { limit: "batchItems", limitValue: limit },
  });
}

function batchView(batch: BatchDetail): RetrievedBatch {
  return {
    id: batch.id,
    status: batch.status,
    idempotencyKey: batch.idempotencyKey,
    createdAt: batch.createdAt.toISOString(),
    updatedAt: batch.updatedAt.toISOString(),
    runCount: batch.runCount,
    runs: batch.runIds,
    processing: {
      completedAt: batch.completedAt?.toISOString(),
      errors: batch.failures.map(({ index, code, message }) => ({
        index,
        taskIdentifier: "",
        error: message,
        errorCode: code,
      })),
    },
  };
}
