import { CHECKPOINT_CHUNK_BYTES } from "@gantry/sdk/contract";
import { chunkUrl } from "../checkpoint/chunk-url.ts";
import { httpClient } from "../http-client.ts";

const FIRST_BACK_OFF_MS = 50;
const MAX_BACK_OFF_MS = 2_000;
const ANSWER_TIMEOUT_MS = 20_000;
/** A platform that is away for longer has the process brought back elsewhere, or later. */
const PATIENCE_MS = 120_000;
/** What a proxy says while the platform is away, or a platform that is busy. */
const PASSING = [408, 425, 429];
/** Chunks that are on their way at once. */
export const AHEAD = 4;

/** Where a checkpoint's chunks are, and with what they are asked for. */
export interface ChunkSource {
  /** Base URL of the platform. */
  url: string;
  workerToken: string;
  checkpointId: string;
}

export type GetChunk = (number: number, signal: AbortSignal) => Promise<Buffer>;

/** A chunk cannot be had: nothing that would change by asking again. */
export class ChunkRefused extends Error {
  override name = "ChunkRefused";
}

/**
 * Chunks 0 … count-1 in their order, a few of them fetched ahead. What is fetched ahead is bounded by AHEAD chunks however
 * slowly they are taken.
 */
export async function* inOrder(count: number, get: GetChunk, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const ending = new AbortController();
  const either = AbortSignal.any([signal, ending.signal]);
  const onTheirWay: Promise<Buffer>[] = [];
  let next = 0;
  const ask = () => {
    if (next >= count) return;
    const chunk = get(next++, either);
    // One that fails is awaited in its turn.
    chunk.catch(() => undefined);
    onTheirWay.push(chunk);
  };
  try {
    for (let i = 0; i < AHEAD; i++) ask();
    for (let chunk = onTheirWay.shift(); chunk; chunk = onTheirWay.shift()) {
      const bytes = await chunk;
      ask();
      yield bytes;
    }
  } finally {
    ending.abort();
  }
}

/**
 * Asks for a chunk until it is there.
 *
 * Errors: ChunkRefused where the platform says no (404: there is none; 409: it is another execution's) or has been away for
 * `patienceMs`; the signal's reason.
 */
export function retried(get: GetChunk, patienceMs = PATIENCE_MS): GetChunk {
  return async (number, signal) => {
    const since = performance.now();
    for (let backOffMs = FIRST_BACK_OFF_MS; ; backOffMs = Math.min(MAX_BACK_OFF_MS, backOffMs * 2)) {
      const chunk = await get(number, signal).catch((error: unknown) => error);
      if (Buffer.isBuffer(chunk)) return chunk;
      signal.throwIfAborted();
      if (chunk instanceof ChunkRefused) throw chunk;
      if (performance.now() - since > patienceMs)
        throw new ChunkRefused(`chunk ${number} could not be fetched: ${messageOf(chunk)}`);
      await pause(backOffMs * (0.5 + Math.random()), signal);
    }
  };
}

/** Connections are kept. */
export function chunkGetter({ url, workerToken, checkpointId }: ChunkSource): GetChunk {
  const { request, Agent } = httpClient(url);
  const agent = new Agent({ keepAlive: true, maxSockets: AHEAD, timeout: ANSWER_TIMEOUT_MS });
  return (number, signal) =>
    new Promise<Buffer>((resolve, reject) => {
      const headers = { authorization: `Bearer ${workerToken}` };
      const target = chunkUrl(url, checkpointId, number);
      const sent = request(target, { agent, headers, signal, timeout: ANSWER_TIMEOUT_MS }, (response) => {
        const status = response.statusCode ?? 0;
        if (status !== 200) {
          response.resume();
          return reject(refusal(number, status));
        }
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on("data", (part: Buffer) => {
          bytes += part.length;
          parts.push(part);
          if (bytes > CHECKPOINT_CHUNK_BYTES) response.destroy(new ChunkRefused(`chunk ${number} is too long`));
        });
        response.on("end", () => resolve(Buffer.concat(parts)));
        response.on("error", reject);
      });
      sent.on("timeout", () => sent.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`)));
      sent.on("error", reject);
      sent.end();
    });
}

function refusal(number: number, status: number): Error {
  const isPassing = status >= 500 || status < 400 || PASSING.includes(status);
  if (isPassing) return new Error(`HTTP ${status}`);
  return new ChunkRefused(`the platform does not give chunk ${number}: HTTP ${status}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
