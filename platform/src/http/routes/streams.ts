import { randomUUID } from "node:crypto";
import {
  appendStreamBodySchema,
  appendStreamReplySchema,
  readStreamQuerySchema,
  STREAM_READ_TIMEOUT_SECONDS,
  type StreamDirection,
  sendStreamBodySchema,
  sendStreamReplySchema,
  streamListReplySchema,
  streamNameSchema,
  waitStreamBodySchema,
  waitStreamReplySchema,
} from "@gantry/sdk/contract";
import type { Request } from "express";
import type { WritingExecution } from "../../streams/stream.ts";
import { decideAccess } from "../access-policy.ts";
import type { Identity } from "../authenticate.ts";
import type { BodyLimit } from "../body.ts";
import type { Edge } from "../edge.ts";
import { ANSWERED, type Route, type RouteRequest, route, SMALL_BODY } from "../route.ts";
import { EVENT_STREAM_FORMAT, followStream, NDJSON_FORMAT } from "../stream-body.ts";
import { toWaitpointRequest } from "../token-view.ts";
import { authorizedRun, runParams } from "./run-access.ts";

const PATH = "/realtime/v1/streams/:runId";
const streamParams = runParams.extend({ stream: streamNameSchema });

/** Streams of runs, on Trigger.dev's paths. */
export function streamRoutes(edge: Edge): Route[] {
  return [
    appendToStream(edge),
    readStream(edge, "output"),
    sendToStream(edge),
    readStream(edge, "input"),
    waitForMessage(edge),
    listStreams(edge),
  ];
}

const appendToStream = (edge: Edge) =>
  route({
    method: "post",
    path: `${PATH}/:stream`,
    tag: "streams",
    summary: "Append chunks to a stream of a run; one that is sent again is stored once",
    access: { by: "late", action: "write" },
    params: streamParams,
    body: { schema: appendStreamBodySchema, limit: chunkBodyLimit(edge) },
    reply: appendStreamReplySchema,
    async handle(request) {
      const { params, body, environment, identity } = request;
      await allowRun(edge, request, "write");
      const chunks = body.chunks.map(toJson);
      const { runId, stream: name } = params;
      const { producer, sequence, attempt, end = false } = body;
      const append = { producer, sequence, chunks, attempt, ends: end };
      return edge.deps.streams.append(environment, { runId, direction: "output", name }, append, writerOf(identity));
    },
  });

const readStream = (edge: Edge, direction: StreamDirection) =>
  route({
    method: "get",
    path: direction === "input" ? `${PATH}/input/:stream` : `${PATH}/:stream`,
    tag: "streams",
    summary:
      direction === "input"
        ? "Read the messages that were sent to a run, as they come"
        : "Read a stream of a run from an index on, as it grows: NDJSON, or Trigger.dev's event stream",
    access: { by: "late", action: "read" },
    params: streamParams,
    query: readStreamQuerySchema,
    reply: { media: "application/x-ndjson" },
    async handle(request) {
      const { req, res, params, environment, identity } = request;
      await allowRun(edge, request, "read");
      const isEvents = /text\/event-stream/.test(req.headers.accept ?? "");
      const { from, timeoutInSeconds } = isEvents ? askedByHeaders(req) : request.query;
      const named = { runId: params.runId, direction, name: params.stream };
      const reading = await edge.deps.streams.open(environment, named, from);
      await followStream(res, reading, {
        format: isEvents ? EVENT_STREAM_FORMAT : NDJSON_FORMAT,
        timeoutMs: timeoutInSeconds * 1000,
        maxMs: "expiresAt" in identity.principal ? identity.principal.expiresAt - edge.deps.clock.now() : undefined,
      });
      return ANSWERED;
    },
  });

const sendToStream = (edge: Edge) =>
  route({
    method: "post",
    path: `${PATH}/input/:stream`,
    tag: "streams",
    summary: "Send a message to an input stream of a run",
    access: { by: "policy", action: "write", kind: "inputStreams", idFrom: "runId" },
    params: streamParams,
    body: { schema: sendStreamBodySchema, limit: chunkBodyLimit(edge) },
    reply: sendStreamReplySchema,
    async handle({ params: { runId, stream: name }, body, environment }) {
      const message = { id: body.id ?? randomUUID(), chunk: toJson(body.data) };
      const { index } = await edge.deps.streams.send(environment, { runId, name }, message);
      return { ok: true, index };
    },
  });

const waitForMessage = (edge: Edge) =>
  route({
    method: "post",
    path: "/api/v1/runs/:runId/input-streams/wait",
    tag: "streams",
    summary: "Make a token that is completed with the next message of an input stream",
    access: { by: "late", action: "write" },
    params: runParams,
    body: { schema: waitStreamBodySchema, limit: SMALL_BODY },
    reply: waitStreamReplySchema,
    async handle(request) {
      const { params, environment, identity } = request;
      await allowRun(edge, request, "write");
      const { streamId: name, lastSeqNum: _, ...body } = request.body;
      const limits = await edge.limits.get(environment);
      const token = toWaitpointRequest(body, limits, edge.deps.clock.now());
      const stream = { runId: params.runId, name };
      const { id, isCached } = await edge.deps.streams.wait(environment, stream, token, writerOf(identity));
      return { waitpointId: id, isCached };
    },
  });

const listStreams = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/runs/:runId/streams",
    tag: "streams",
    summary: "List a run's streams, oldest first",
    access: { by: "late", action: "read" },
    params: runParams,
    reply: streamListReplySchema,
    async handle(request) {
      await allowRun(edge, request, "read");
      const streams = await edge.deps.streams.list(request.environment, request.params.runId);
      return {
        data: streams.map(({ name, createdAt, updatedAt, ...rest }) => ({
          id: name,
          ...rest,
          createdAt: createdAt.toISOString(),
          updatedAt: updatedAt.toISOString(),
        })),
      };
    },
  });

type RunRequest = Pick<
  RouteRequest<{ runId: string }, unknown, unknown>,
  "params" | "environment" | "allow" | "identity"
>;

/** By the run's id alone where that is enough; the run is only read for tokens that name it by a tag, a batch or a task. */
async function allowRun(edge: Edge, request: RunRequest, action: "read" | "write"): Promise<void> {
  const byId = { kind: "runs", id: request.params.runId } as const;
  const { principal } = request.identity;
  if (principal.kind !== "public" || decideAccess(principal, action, [byId]).allow)
    return request.allow(action, [byId]);
  await authorizedRun(edge, request, action);
}

function writerOf({ principal }: Identity): WritingExecution | undefined {
  if (principal.kind !== "run") return undefined;
  const { runId, executionId, fence } = principal;
  return { runId, executionId, fence };
}

/** One line; what JSON has no word for is null, as within lists. */
function toJson(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** A chunk may be as large as its limit says, twice over for what JSON adds, beside others of a usual size. */
function chunkBodyLimit(edge: Edge) {
  return async ({ environment }: Identity): Promise<BodyLimit> => {
    const chunkBytes = environment === undefined ? 0 : (await edge.limits.get(environment)).streamChunkBytes;
    return { bytes: chunkBytes * 2 + 1024 * 1024, name: "streamChunkBytes" };
  };
}

/** As Trigger.dev's clients ask. */
function askedByHeaders(req: Request): { from: number | "latest"; timeoutInSeconds: number } {
  const last = Number(req.headers["last-event-id"] ?? Number.NaN);
  const seconds = Number(req.headers["timeout-seconds"] ?? STREAM_READ_TIMEOUT_SECONDS);
  const isLatest = req.headers["x-trigger-stream-start"] === "latest";
  return {
    from: Number.isInteger(last) && last >= 0 ? last + 1 : isLatest ? "latest" : 0,
    timeoutInSeconds: seconds >= 0 && seconds <= 600 ? seconds : STREAM_READ_TIMEOUT_SECONDS,
  };
}
