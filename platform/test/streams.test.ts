import { auth, streams } from "@gantry/sdk";
import type { StreamChunk } from "@gantry/sdk/contract";
import { configure, streams as theirStreams } from "@trigger.dev/sdk";
import { describe, expect, onTestFinished, test } from "vitest";
import { LiveClient } from "./support/live-client.ts";
import { startRealPlatform } from "./support/real-platform.ts";
import { caller } from "./support/served-http.ts";

const { url, key, otherKey, complete, platform } = await startRealPlatform();

const call = (method: string, path: string, body?: unknown, as = key) => caller(url)(method, path, { key: as, body });
async function trigger(options: Record<string, unknown> = {}) {
  const { body } = await call("POST", "/api/v1/tasks/import/trigger", { payload: { n: 1 }, options });
  return String(body.id);
}
const tokenFor = async (scopes: string[], expirationTime: string | number = "15m") =>
  String((await call("POST", "/api/v1/auth/public-tokens", { scopes, expirationTime })).body.token);
const append = (runId: string, chunks: unknown[], more: object = {}, as = key) =>
  call("POST", `/realtime/v1/streams/${runId}/out`, { producer: "p", sequence: 0, chunks, ...more }, as);
const inGantry = <T>(work: () => Promise<T>) => auth.withAuth({ baseURL: url, secretKey: key }, work);

/** Lines as they come; blank ones left out. */
async function* lines(path: string, as = key, signal?: AbortSignal): AsyncGenerator<Record<string, unknown>> {
  const init = { headers: { authorization: `Bearer ${as}` }, ...(signal && { signal }) };
  const response = await fetch(`${url}/realtime/v1/streams/${path}`, init);
  if (!response.ok) throw new Error(String(((await response.json()) as { code: string }).code));
  let rest = "";
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) if (part !== "") yield JSON.parse(part);
  }
}
async function gathered<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of source) all.push(each);
  return all;
}
const allLines = async (path: string, as = key) => gathered(lines(path, as));
const values = (chunks: Record<string, unknown>[]) =>
  chunks.flatMap(({ data }) => (data === undefined ? [] : [JSON.parse(String(data)) as unknown]));

describe("a stream over REST", () => {
  test("is read from its first chunk to its run's end, by who came before it was written", async () => {
    const runId = await trigger();
    const reading = allLines(`${runId}/out`);
    expect((await append(runId, ["a", { b: 1 }, null], { attempt: 1 })).body).toEqual({
      next: 3,
      sequence: 3,
      isEnded: false,
    });
    await append(runId, ["c"], { sequence: 3 });
    await complete(runId, null);
    const all = await reading;
    expect(values(all)).toEqual(["a", { b: 1 }, null, "c"]);
    expect(all.map(({ index, attempt }) => [index, attempt]).slice(0, 4)).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [3, undefined],
    ]);
    expect(all.at(-1)).toEqual({ next: 4, isEnded: true });
    expect(await append(runId, ["d"], { sequence: 4 })).toMatchObject({
      status: 409,
      body: { code: "RUN_ALREADY_FINISHED" },
    });
  });

  test("goes on from any index, and says where to go on", async () => {
    const runId = await trigger();
    await append(runId, [0, 1, 2, 3]);
    const some = await allLines(`${runId}/out?from=2&timeoutInSeconds=0`);
    expect([values(some), some.at(-1)]).toEqual([[2, 3], { next: 4, isEnded: false }]);
    const later = await fetch(`${url}/realtime/v1/streams/${runId}/out?from=latest`, {
      headers: { authorization: `Bearer ${key}` },
    });
    await append(runId, [4], { sequence: 4, end: true });
    expect(
      (await later.text())
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object),
    ).toMatchObject([
      { index: 4, data: "4" },
      { next: 5, isEnded: true },
    ]);
  });

  test("is listed with its size", async () => {
    const runId = await trigger();
    expect((await call("GET", `/api/v1/runs/${runId}/streams`)).body).toEqual({ data: [] });
    await append(runId, [0, 1]);
    await call("POST", `/realtime/v1/streams/${runId}/input/approval`, { data: true });
    const { body } = await call("GET", `/api/v1/runs/${runId}/streams`);
    expect(body.data).toMatchObject([
      { id: "out", direction: "output", chunks: 2, bytes: 4, isEnded: false },
      { id: "approval", direction: "input", chunks: 1 },
    ]);
    expect((await call("GET", `/api/v1/runs/${runId}/streams`, undefined, otherKey)).status).toBe(404);
  });

  test("of a run that is not there, or another environment's, is not found", async () => {
    const runId = await trigger();
    await expect(allLines(`${runId}/out`, otherKey)).rejects.toThrow("RUN_NOT_FOUND");
    expect((await append(runId, [1], {}, otherKey)).body).toMatchObject({ code: "RUN_NOT_FOUND" });
    expect((await append("run_nonsense", [1])).body).toMatchObject({ code: "MALFORMED_ID" });
  });

  test("stops at its limits, which the error names", async () => {
    const runId = await trigger();
    const usual = { streamBytes: 10_485_760, streamChunkBytes: 1_048_576, streamsPerRun: 100 };
    onTestFinished(async () => void (await call("PUT", "/api/v1/limits", usual)));
    await call("PUT", "/api/v1/limits", { streamBytes: 1000, streamChunkBytes: 400, streamsPerRun: 1 });
    const large = (bytes: number) => "x".repeat(bytes - 2);
    expect((await append(runId, [large(401)])).body).toMatchObject({
      code: "STREAM_LIMIT",
      details: { limit: "streamChunkBytes" },
    });
    expect((await append(runId, [large(400), large(400)])).status).toBe(200);
    expect((await append(runId, [large(400)], { sequence: 2 })).body).toMatchObject({
      code: "STREAM_LIMIT",
      details: { limit: "streamBytes" },
    });
    const other = { producer: "p", sequence: 0, chunks: [1] };
    expect((await call("POST", `/realtime/v1/streams/${runId}/second`, other)).body).toMatchObject({
      details: { limit: "streamsPerRun" },
    });
  });
});

describe("a public token", () => {
  test("reads the streams of its run, by id or by tag, and writes none", async () => {
    const [mine, other] = [await trigger({ tags: ["t"] }), await trigger()];
    await append(mine, [1]);
    for (const scope of [`read:runs:${mine}`, "read:tags:t"]) {
      const token = await tokenFor([scope]);
      expect(values(await allLines(`${mine}/out?timeoutInSeconds=0`, token))).toEqual([1]);
      await expect(allLines(`${other}/out?timeoutInSeconds=0`, token)).rejects.toThrow("FORBIDDEN");
      expect((await append(mine, [2], { sequence: 1 }, token)).status).toBe(403);
      const path = `/realtime/v1/streams/${mine}/input/approval`;
      expect((await call("POST", path, { data: 1 }, token)).status).toBe(403);
    }
  });

  test("for a run's input streams sends messages to that run alone", async () => {
    const [mine, other] = [await trigger(), await trigger()];
    const token = await tokenFor([`write:inputStreams:${mine}`]);
    const send = (runId: string, body: object) =>
      call("POST", `/realtime/v1/streams/${runId}/input/approval`, body, token);
    expect((await send(mine, { data: { ok: true }, id: "m1" })).body).toEqual({ ok: true, index: 0 });
    expect((await send(mine, { data: { ok: true }, id: "m1" })).body).toEqual({ ok: true, index: 0 });
    expect((await send(mine, { data: { ok: true } })).body).toEqual({ ok: true, index: 1 });
    expect((await send(other, { data: 1 })).status).toBe(403);
    await expect(allLines(`${mine}/out?timeoutInSeconds=0`, token)).rejects.toThrow("FORBIDDEN");
  });

  test("ends what it reads when it expires", async () => {
    const runId = await trigger();
    await append(runId, [1]);
    const token = await tokenFor([`read:runs:${runId}`], Math.ceil(Date.now() / 1000) + 3);
    const all = await allLines(`${runId}/out`, token);
    expect([values(all), all.at(-1)]).toEqual([[1], { next: 1, isEnded: false }]);
    await expect(allLines(`${runId}/out?from=1`, token)).rejects.toThrow("TOKEN_EXPIRED");
  });
});

describe("the SDK", () => {
  const answer = streams.define<string>({ id: "answer" });

  test("streams ten thousand tokens to readers who follow, one of whom loses the connection again and again", async () => {
    const runId = await trigger();
    const words = Array.from({ length: 10_000 }, (_, index) => ` token${index}`);
    async function* model() {
      for (const [index, word] of words.entries()) {
        if (index % 100 === 0) await new Promise((turn) => setImmediate(turn));
        yield word;
      }
    }
    const follow = inGantry(async () => gathered(await answer.read(runId)));
    const unsteady = (async () => {
      const seen: StreamChunk[] = [];
      for (;;) {
        const cut = new AbortController();
        let got = 0;
        try {
          for await (const line of lines(`${runId}/answer?from=${seen.length}`, key, cut.signal)) {
            if (!("index" in line)) return seen;
            seen.push(line as never);
            if (++got === 700) cut.abort(new Error("the connection is lost"));
          }
        } catch (error) {
          if (!cut.signal.aborted) throw error;
        }
      }
    })();
    await inGantry(() => answer.pipe(model(), { target: runId, end: true }).waitUntilComplete());
    expect(await follow).toEqual(words);
    const seen = await unsteady;
    expect(seen.map(({ index }) => index)).toEqual(words.map((_, index) => index));
    expect(seen.map(({ data }) => JSON.parse(data))).toEqual(words);
  }, 60_000);

  test("reads its source no faster than the platform stores", async () => {
    const runId = await trigger();
    let read = 0;
    let stored = 0;
    let most = 0;
    const slow: typeof fetch = async (input, init) => {
      const reply = await fetch(input, init);
      stored = ((await reply.clone().json()) as { sequence: number }).sequence;
      return reply;
    };
    async function* source() {
      for (; read < 5000; read++) {
        most = Math.max(most, read - stored);
        yield "x".repeat(100);
      }
    }
    await auth.withAuth({ baseURL: url, secretKey: key, requestOptions: { fetch: slow } }, () =>
      streams.pipe("paced", source(), { target: runId }).waitUntilComplete(),
    );
    expect([read, stored]).toEqual([5000, 5000]);
    // 64 KB of JSON in the buffer, and one chunk on its way into it.
    expect(most).toBeLessThanOrEqual((64 * 1024) / 102 + 2);
  }, 30_000);

  test("of Trigger.dev reads streams and sends messages, unmodified", async () => {
    const runId = await trigger();
    await inGantry(() => streams.append("answer", { text: "hello" }, { target: runId }));
    configure({ baseURL: url, secretKey: key });
    const read = await theirStreams.read<unknown>(runId, "answer", { timeoutInSeconds: 30 });
    await inGantry(() => streams.append("answer", "world", { target: runId }));
    await theirStreams.input<{ ok: boolean }>({ id: "approval" }).send(runId, { ok: true });
    await complete(runId, null);
    expect(await gathered(read)).toEqual([{ text: "hello" }, "world"]);
    const later = await theirStreams.read<unknown>(runId, "answer", { startIndex: 1, timeoutInSeconds: 5 });
    expect(await gathered(later)).toEqual(["world"]);
    expect(values(await allLines(`${runId}/input/approval`))).toEqual([{ ok: true }]);
    const listed = await inGantry(() => streams.list(runId));
    expect(listed.map(({ id, isEnded }) => [id, isEnded])).toEqual([
      ["answer", true],
      ["approval", true],
    ]);
  }, 30_000);
});

describe("a stream over the socket", () => {
  const chunksOf = (live: LiveClient, id: string) =>
    live.of("chunks", id).flatMap(({ chunks }) => chunks as StreamChunk[]);
  const read = (live: LiveClient, id: string, runId: string, from: number | "latest" = 0) =>
    live.socket.timeout(10_000).emitWithAck("readStream", { id, runId, stream: "out", from });

  test("comes as it is written, to its end", async () => {
    const runId = await trigger();
    const live = await new LiveClient(url, await tokenFor([`read:runs:${runId}`])).connected();
    expect(await read(live, "s", runId)).toEqual({ ok: true });
    await append(runId, ["a"]);
    await live.until(() => chunksOf(live, "s").length === 1);
    await append(runId, ["b"], { sequence: 1 });
    await complete(runId, null);
    await live.until(() => live.of("chunks", "s").some(({ isEnded }) => isEnded));
    expect(chunksOf(live, "s").map(({ index, data }) => [index, data])).toEqual([
      [0, '"a"'],
      [1, '"b"'],
    ]);
    const other = await trigger();
    expect(await read(live, "o", other)).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
    expect(await live.socket.timeout(5000).emitWithAck("readStream", { id: "x" } as never)).toMatchObject({
      error: { code: "BAD_REQUEST" },
    });
  });

  test("stops after a window that is not taken, and holds up nobody else", async () => {
    const runId = await trigger();
    const text = "x".repeat(1000);
    for (let n = 0; n < 10; n++) await append(runId, Array(100).fill(text), { sequence: n * 100 });
    const [slow, quick] = [await new LiveClient(url, key).connected(), await new LiveClient(url, key).connected()];
    quick.socket.on("chunks", ({ id, chunks }) =>
      quick.socket.emit("streamTaken", { id, next: (chunks.at(-1)?.index ?? -1) + 1 }),
    );
    await Promise.all([read(slow, "s", runId), read(quick, "s", runId)]);
    await quick.until(() => chunksOf(quick, "s").length === 1000);
    await append(runId, ["last"], { sequence: 1000 });
    await quick.until(() => chunksOf(quick, "s").length === 1001);
    await slow.until(() => chunksOf(slow, "s").length > 100);
    const sent = chunksOf(slow, "s").length;
    expect(sent * 1000).toBeLessThan(256 * 1024 + 40_000);
    slow.socket.on("chunks", ({ id, chunks }) =>
      slow.socket.emit("streamTaken", { id, next: (chunks.at(-1)?.index ?? -1) + 1 }),
    );
    slow.socket.emit("streamTaken", { id: "s", next: sent });
    await slow.until(() => chunksOf(slow, "s").length === 1001);
    expect(chunksOf(slow, "s").map(({ index }) => index)).toEqual(Array.from({ length: 1001 }, (_, index) => index));
    expect(platform.engine.streamFeeds.size).toBeGreaterThan(0);
  });
});
