import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { AHEAD, ChunkRefused, chunkGetter, type GetChunk, inOrder, retried } from "./chunk-fetch.ts";

const never = new AbortController().signal;
let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  server = undefined;
});

/** A platform that answers the n-th request for a chunk with `answers[n]`: a status, "cut", or the chunk. */
async function platform(answers: (number | "cut" | Buffer)[]): Promise<{ get: GetChunk; seen: string[] }> {
  const seen: string[] = [];
  server = createServer((request, response) => {
    const answer = answers[Math.min(seen.length, answers.length - 1)];
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    if (answer === "cut") return void response.destroy();
    if (typeof answer === "number") return void response.writeHead(answer).end("no");
    response.end(answer);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { get: chunkGetter({ url, workerToken: "worker", checkpointId: "checkpoint_1" }), seen };
}

describe("fetching a chunk", () => {
  test("asks as the worker, and again while the platform is away", async () => {
    const chunk = Buffer.from("chunk");
    const { get, seen } = await platform([503, "cut", 429, chunk]);
    expect(await retried(get)(7, never)).toEqual(chunk);
    expect(new Set(seen)).toEqual(new Set(["GET /worker/v1/checkpoints/checkpoint_1/chunks/7 Bearer worker"]));
    expect(seen.length).toBe(4);
  });

  test.each([401, 403, 404, 409, 410])("takes HTTP %d for an answer", async (status) => {
    const { get, seen } = await platform([status]);
    await expect(retried(get)(0, never)).rejects.toThrow(`HTTP ${status}`);
    expect(seen.length).toBe(1);
  });

  test("gives up after a while, and says what the matter was", async () => {
    const { get } = await platform([500]);
    await expect(retried(get, 100)(3, never)).rejects.toThrow("chunk 3 could not be fetched: HTTP 500");
  });

  test("takes no more than a chunk can have", async () => {
    const { get } = await platform([Buffer.alloc(3 * 1024 * 1024)]);
    await expect(retried(get)(0, never)).rejects.toThrow("too long");
  });

  test("ends at once where it is told to stop, also between two tries", async () => {
    const { get } = await platform([503]);
    const stop = new AbortController();
    const fetched = retried(get)(0, stop.signal);
    stop.abort(new Error("stopped"));
    await expect(fetched).rejects.toThrow();
  });
});

describe("fetching all chunks", () => {
  test("gives them in order, with a few on their way and no more", async () => {
    const asked: { number: number; give: (chunk: Buffer) => void }[] = [];
    const get: GetChunk = (number) => new Promise((give) => asked.push({ number, give }));
    const chunks = inOrder(6, get, never);
    const first = chunks.next();
    expect(asked.map(({ number }) => number)).toEqual([0, 1, 2, 3]);
    for (const { number, give } of [...asked].reverse()) give(Buffer.from([number]));
    expect((await first).value).toEqual(Buffer.from([0]));
    expect(asked.length).toBe(AHEAD + 1);
    asked[4]?.give(Buffer.from([4]));
    const rest: number[] = [];
    for await (const chunk of chunks) {
      rest.push(chunk[0] ?? -1);
      asked[5]?.give(Buffer.from([5]));
    }
    expect(rest).toEqual([1, 2, 3, 4, 5]);
  });

  test("stops the others where one cannot be had", async () => {
    const signals: AbortSignal[] = [];
    const get: GetChunk = (number, signal) => {
      signals.push(signal);
      return number === 0 ? Promise.reject(new ChunkRefused("gone")) : new Promise(() => undefined);
    };
    await expect(inOrder(3, get, never).next()).rejects.toThrow("gone");
    expect(signals.every((signal) => signal.aborted)).toBe(true);
  });
});
