import { CHECKPOINT_CHUNK_BYTES, WORKER_CHECKPOINT_CHUNK_PATH } from "@gantry/sdk/contract";
import type { Request, Response } from "express";
import { z } from "zod";
import type { ChunkOwner } from "../../checkpoints/checkpoint-service.ts";
import { AppError } from "../../errors.ts";
import { ChunkBuffers, chunkLength, readChunk, sendChunk } from "../chunk-body.ts";
import type { ChunkGate } from "../chunk-gate.ts";
import { chunkGates } from "../chunk-gates.ts";
import type { Edge } from "../edge.ts";
import { ANSWERED, type Route, route } from "../route.ts";

/** A worker gives a connection up on which nothing comes for 15 s. */
const ALIVE_MS = 10_000;
/** Some more than the contract's length, which the cipher's tag is part of already. */
const MAX_CHUNK_BYTES = CHECKPOINT_CHUNK_BYTES + 1024;

const chunkParams = z.object({
  checkpointId: z.uuid(),
  number: z.coerce.number().int().min(0).max(1_000_000),
});

/** Chunks of stored processes, put and got by workers (docs/worker-protocol.md). */
export function workerCheckpointRoutes(edge: Edge): Route[] {
  const gates = chunkGates(edge.deps.metrics);
  return [putChunk(edge, gates.put), getChunk(edge, gates.get)];
}

const putChunk = (edge: Edge, gate: ChunkGate, buffers = new ChunkBuffers(MAX_CHUNK_BYTES)) =>
  route({
    method: "put",
    path: WORKER_CHECKPOINT_CHUNK_PATH,
    tag: "worker",
    summary: "Store a chunk of a process, once or again (private to the runner)",
    access: { by: "none" },
    params: chunkParams,
    body: { stream: "application/octet-stream" },
    reply: z.object({}),
    async handle({ req, res, params: { checkpointId, number } }) {
      const owner = { ...workerOf(edge, req), checkpointId };
      const length = chunkLength(req, MAX_CHUNK_BYTES);
      await edge.deps.checkpoints.allowChunk(owner, number);
      await inTurn(gate, res, () =>
        buffers.lend(length, async (chunk) => {
          await readChunk(req, chunk);
          await edge.deps.checkpoints.putChunk(owner, number, chunk);
        }),
      );
      return {};
    },
  });

const getChunk = (edge: Edge, gate: ChunkGate) =>
  route({
    method: "get",
    path: WORKER_CHECKPOINT_CHUNK_PATH,
    tag: "worker",
    summary: "A chunk of the process that the run's worker is to bring back (private to the runner)",
    access: { by: "none" },
    params: chunkParams,
    reply: { media: "application/octet-stream" },
    async handle({ req, res, params: { checkpointId, number } }) {
      const owner = { ...workerOf(edge, req), checkpointId };
      await inTurn(gate, res, async () => sendChunk(res, await edge.deps.checkpoints.getChunk(owner, number)));
      return ANSWERED;
    },
  });

/** Errors: UNAUTHORIZED; FORBIDDEN for a worker that was not launched for one execution alone. */
function workerOf(edge: Edge, req: Request): Omit<ChunkOwner, "checkpointId"> {
  const token = /^Bearer (\S+)$/i.exec(req.headers.authorization ?? "")?.[1] ?? "";
  const worker = edge.deps.credentials.verifyWorkerToken(token);
  if (worker === undefined) throw new AppError("UNAUTHORIZED", "The request has no worker's token.");
  const { environmentId, executionId } = worker;
  if (executionId === undefined) throw new AppError("FORBIDDEN", "Only a Job's worker stores processes.");
  return { environmentId, executionId };
}

/** Who waits hears again and again that it is not forgotten, by `102 Processing`. */
async function inTurn(gate: ChunkGate, res: Response, work: () => Promise<void>): Promise<void> {
  const alive = setInterval(() => {
    if (res.req.httpVersion !== "1.0") res.writeProcessing();
  }, ALIVE_MS);
  const stop = () => clearInterval(alive);
  await gate
    .through(goneOf(res), () => {
      stop();
      return work();
    })
    .finally(stop);
}

function goneOf(res: Response): AbortSignal {
  const gone = new AbortController();
  res.on("close", () => gone.abort());
  return gone.signal;
}
