import { request } from "node:http";
import { CHECKPOINT_CHUNK_BYTES } from "@gantry/sdk/contract";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { fakeCheckpoints } from "../../test/support/fake-checkpoints.ts";
import { serveHttp } from "../../test/support/served-http.ts";
import { newUuid } from "../ids.ts";
import { readChunk } from "./chunk-body.ts";

const checkpoints = fakeCheckpoints();
const { url } = await serveHttp({ checkpoints });

const EXECUTION = newUuid();
const CHECKPOINT = newUuid();
const path = (number: number | string = 0, checkpointId = CHECKPOINT) =>
  `/worker/v1/checkpoints/${checkpointId}/chunks/${number}`;
const token = `worker-token:1:${EXECUTION}`;

async function put(at: string, body: Uint8Array, headers: Record<string, string> = {}) {
  const response = await fetch(url + at, {
    method: "PUT",
    body: body as never,
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  return { status: response.status, body: (await response.json()) as { code?: string; details?: object } };
}
const get = (at: string, as = token) => fetch(url + at, { headers: { authorization: `Bearer ${as}` } });

describe("a chunk", () => {
  test("of the largest size is stored and had again, byte for byte", async () => {
    const chunk = Buffer.alloc(CHECKPOINT_CHUNK_BYTES + 16, 7);
    expect(await put(path(3), chunk)).toMatchObject({ status: 200 });
    const response = await get(path(3));
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(Buffer.from(await response.arrayBuffer()).equals(chunk)).toBe(true);
  });

  test.each<[string, () => ReturnType<typeof put>, number, string]>([
    ["beyond that size", () => put(path(), Buffer.alloc(CHECKPOINT_CHUNK_BYTES + 1025)), 413, "BODY_TOO_LARGE"],
    ["beyond the run's largest process", () => put(path(128), Buffer.from("x")), 413, "LIMIT_EXCEEDED"],
    ["without a number", () => put(path("x"), Buffer.from("x")), 400, "VALIDATION_FAILED"],
    ["of no checkpoint", () => put(path(0, "c1"), Buffer.from("x")), 400, "VALIDATION_FAILED"],
    ["that is empty", () => put(path(), Buffer.alloc(0)), 400, "BAD_REQUEST"],
    [
      "that is compressed once more",
      () => put(path(), Buffer.from("x"), { "content-encoding": "gzip" }),
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    ["without a token", () => put(path(), Buffer.from("x"), { authorization: "" }), 401, "UNAUTHORIZED"],
    [
      "with a run's token",
      () => put(path(), Buffer.from("x"), { authorization: "Bearer run-token:1:run_a" }),
      401,
      "UNAUTHORIZED",
    ],
    [
      "of a worker of many runs",
      () => put(path(), Buffer.from("x"), { authorization: "Bearer worker-token:1:" }),
      403,
      "FORBIDDEN",
    ],
  ])("%s is refused", async (_what, answer, status, code) => {
    const { status: got, body } = await answer();
    expect([got, body.code]).toEqual([status, code]);
  });

  test("is another worker's business no more than one that is not there", async () => {
    await put(path(5), Buffer.from("mine"));
    const other = await get(path(5), `worker-token:1:${newUuid()}`);
    expect([other.status, ((await other.json()) as { code: string }).code]).toEqual([404, "CHECKPOINT_NOT_FOUND"]);
  });

  test("has no length: it is refused before it comes", async () => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const sending = request(
      url + path(),
      { method: "PUT", headers: { authorization: `Bearer ${token}` } },
      (response) => {
        resolve(response.statusCode);
        sending.destroy();
      },
    );
    sending.on("error", () => undefined);
    sending.write("part");
    expect(await promise).toBe(400);
  });
});

describe("many chunks at once", () => {
  const heard: number[] = [];
  /** A request that says its length and sends nothing yet. */
  function opened(number: number) {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const sending = request(
      url + path(number),
      { method: "PUT", headers: { authorization: `Bearer ${token}`, "content-length": "4" } },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    sending.on("error", () => resolve(undefined));
    sending.on("information", ({ statusCode }) => heard.push(statusCode));
    sending.flushHeaders();
    return { sending, status: promise };
  }
  const waiting = async () => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return Number(/gantry_checkpoint_chunks_waiting\{method="put"\} (\d+)/.exec(metrics)?.[1]);
  };

  test("are taken a few at a time; who goes away while it waits holds up nobody", async () => {
    const all = Array.from({ length: 10 }, (_, number) => opened(number + 10));
    await expect.poll(waiting).toBe(6);
    all[9]?.sending.destroy();
    expect(await all[9]?.status).toBeUndefined();
    await expect.poll(waiting).toBe(5);
    for (const { sending } of all.slice(0, 9)) sending.end("data");
    expect(await Promise.all(all.slice(0, 9).map(({ status }) => status))).toEqual(Array(9).fill(200));
    expect(checkpoints.chunks.get(`${EXECUTION}/${CHECKPOINT}/18`)?.toString()).toBe("data");
    expect(await waiting()).toBe(0);
  });

  test("that wait for long hear that they are not forgotten", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const all = Array.from({ length: 5 }, (_, number) => opened(number + 50));
    await expect.poll(waiting).toBe(1);
    for (let n = 1; n <= 3; n++) {
      vi.advanceTimersByTime(10_000);
      await expect.poll(() => heard).toEqual(Array(n).fill(102));
    }
    for (const { sending } of all) sending.end("data");
    expect(await Promise.all(all.map(({ status }) => status))).toEqual(Array(5).fill(200));
  });

  test("whose sender goes away half-way leave their place", async () => {
    const half = Array.from({ length: 4 }, (_, number) => opened(number + 30));
    for (const { sending } of half) sending.write("da");
    const next = opened(40);
    next.sending.end("data");
    await expect.poll(waiting).toBe(1);
    for (const { sending } of half) sending.destroy();
    expect(await next.status).toBe(200);
    expect([...checkpoints.chunks.keys()].some((key) => key.endsWith("/30"))).toBe(false);
  });
});

test("a sender that is too slow is cut off", async () => {
  const { createServer } = await import("node:http");
  const failure = Promise.withResolvers<Error>();
  const server = createServer((req) => void readChunk(req, Buffer.alloc(4), 20).catch(failure.resolve)).listen(
    0,
    "127.0.0.1",
  );
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const sending = request({ port, host: "127.0.0.1", method: "PUT", headers: { "content-length": "4" } });
  sending.on("error", () => undefined);
  sending.write("da");
  expect((await failure.promise).message).toContain("did not come within");
  server.close();
});
