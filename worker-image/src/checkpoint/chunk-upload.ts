import { createHash } from "node:crypto";
import type { Agent, IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { httpClient } from "../http-client.ts";
import { type ChunkKey, sealChunk } from "./chunk-cipher.ts";
import { chunkUrl } from "./chunk-url.ts";
import { NotStored } from "./not-stored.ts";

/** Where chunks go. */
export interface ChunkTarget {
  /** Base URL of the platform. */
  url: string;
  /** The worker's. */
  token: string;
}

export interface Uploaded {
  chunks: number;
  storedBytes: number;
  /** Of all chunks, in their order; hex. */
  sha256: string;
}

const AT_ONCE = 4;
const ANSWER_MS = 15_000;
const FIRST_BACK_OFF_MS = 50;
const MAX_BACK_OFF_MS = 2_000;
/** The process stands still meanwhile. */
const GIVE_UP_AFTER_MS = 20_000;

/**
 * Seals pieces and stores them as a checkpoint's chunks, a few at a time. What could not be delivered is sent again, the same
 * bytes.
 *
 * Errors: NotStored; what `pieces` throws; the signal's reason.
 */
export async function uploadChunks(
  pieces: AsyncIterable<Buffer>,
  chunkKey: ChunkKey,
  target: ChunkTarget,
  { maxStoredBytes, signal }: { maxStoredBytes: number; signal: AbortSignal },
): Promise<Uploaded> {
  const hash = createHash("sha256");
  const agent = new (httpClient(target.url).Agent)({ keepAlive: true, maxSockets: AT_ONCE });
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const onTheirWay = new Set<Promise<void>>();
  let [chunks, storedBytes] = [0, 0];
  try {
    for await (const piece of pieces) {
      either.throwIfAborted();
      const chunk = sealChunk(chunkKey, chunks, piece);
      hash.update(chunk);
      storedBytes += chunk.length;
      if (storedBytes > maxStoredBytes) throw tooLarge(maxStoredBytes);
      const sent = put(chunkUrl(target.url, chunkKey.checkpointId, chunks++), chunk, target.token, agent, either)
        .catch((error) => failure.abort(error))
        .finally(() => onTheirWay.delete(sent));
      onTheirWay.add(sent);
      if (onTheirWay.size >= AT_ONCE) await Promise.race(onTheirWay);
    }
    await Promise.all(onTheirWay);
    either.throwIfAborted();
    return { chunks, storedBytes, sha256: hash.digest("hex") };
  } finally {
    failure.abort();
    agent.destroy();
  }
}

function tooLarge(maxStoredBytes: number): NotStored {
  const megabytes = Math.round(maxStoredBytes / 1024 / 1024);
  return new NotStored("CHECKPOINT_TOO_LARGE", `it takes more than ${megabytes} MB compressed`);
}

async function put(url: URL, chunk: Buffer, token: string, agent: Agent, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  for (let backOffMs = FIRST_BACK_OFF_MS; ; backOffMs = Math.min(MAX_BACK_OFF_MS, backOffMs * 2)) {
    const answer = await putOnce(url, chunk, token, agent, signal).catch((error: Error) => error);
    signal.throwIfAborted();
    if (!(answer instanceof Error)) {
      if (answer.status < 300) return;
      if (answer.status < 500 && answer.status !== 429)
        throw new NotStored("CHECKPOINT_FAILED", `the platform refused it: HTTP ${answer.status} ${answer.text}`);
    }
    if (performance.now() - startedAt > GIVE_UP_AFTER_MS) {
      const why = answer instanceof Error ? answer.message : `HTTP ${answer.status}`;
      throw new NotStored("CHECKPOINT_FAILED", `the platform could not take it: ${why}`);
    }
    await pause(backOffMs * (0.5 + Math.random()), undefined, { signal });
  }
}

function putOnce(
  url: URL,
  chunk: Buffer,
  token: string,
  agent: Agent,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/octet-stream",
    "content-length": chunk.length,
  };
  const send = httpClient(url).request;
  return new Promise((resolve, reject) => {
    const sent = send(url, { method: "PUT", headers, agent, signal, timeout: ANSWER_MS }, (response) =>
      textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject),
    );
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    sent.on("error", reject);
    sent.end(chunk);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of response.setEncoding("utf8")) text = (text + String(part)).slice(0, 300);
  return text;
}
