import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chunk, FakeRealtime, liveRun } from "../../../test/fake-realtime.ts";
import { until } from "../../../test/until.ts";
import { RunWithStreamsObserver } from "./run-with-streams-observer.ts";
import { readStreamParts } from "./stream-feed.ts";
import { StreamObserver, type StreamObserverOptions } from "./stream-observer.ts";

let server: FakeRealtime;
const leaves: (() => void)[] = [];
beforeEach(async () => {
  server = await FakeRealtime.start();
});
afterEach(async () => {
  for (const leave of leaves.splice(0)) leave();
  await server[Symbol.asyncDispose]();
});

const options = () => ({ baseUrl: server.url, accessToken: "token", throttleInMs: 0 });
const reference = { runId: "run_1", stream: "rows" };

function watch(own: Partial<StreamObserverOptions> = {}): StreamObserver<number> {
  const observer = new StreamObserver<number>(reference, { ...options(), ...own });
  leaves.push(observer.subscribe(() => undefined));
  return observer;
}

describe("a stream that is read", () => {
  test("comes in order, each chunk once, and goes on after a reconnect where it was", async () => {
    const asked: (number | "latest")[] = [];
    server.onRead = ({ id, from }, socket) => {
      asked.push(from);
      const isEnded = from !== 0;
      const chunks = isEnded ? [chunk(1), chunk(2), chunk(3)] : [chunk(0), chunk(1)];
      socket.emit("chunks", { id, chunks, isEnded });
    };
    const observer = watch();
    await until(observer, ({ parts }) => parts.length === 2);
    server.cut();
    const { parts, nextIndex, connectionReason } = await until(observer, ({ connection }) => connection === "closed");
    expect(parts.map((part) => part.chunk)).toEqual([0, 1, 2, 3]);
    expect([nextIndex, connectionReason, asked]).toEqual([4, "ENDED", [0, 2]]);
  });

  test("keeps the newest parts where it is told how many", async () => {
    server.onRead = ({ id }, socket) =>
      void socket.emit("chunks", { id, chunks: [0, 1, 2].map((n) => chunk(n)), isEnded: true });
    const { parts } = await until(watch({ maxParts: 1 }), ({ isEnded }) => isEnded);
    expect(parts.map(({ index }) => index)).toEqual([2]);
  });

  test("is read over REST where there is no socket", async () => {
    server.isOpen = false;
    server.rest = (path, response) => {
      const from = Number(new URL(path, server.url).searchParams.get("from"));
      const lines = from === 0 ? [chunk(0), { next: 1, isEnded: false }] : [chunk(1), { next: 2, isEnded: true }];
      response.writeHead(200).end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    };
    const { parts } = await until(watch(), ({ isEnded }) => isEnded);
    expect(parts.map((part) => part.chunk)).toEqual([0, 1]);
    expect(server.asked[0]).toMatch(/^\/realtime\/v1\/streams\/run_1\/rows\?from=0&timeoutInSeconds=0$/);
  }, 15_000);

  test("goes on when its consumer has taken what came", async () => {
    server.onRead = ({ id }, socket) =>
      void socket.emit("chunks", { id, chunks: [chunk(0), chunk(1)], isEnded: false });
    server.onTaken = ({ id, next }, socket) => {
      if (next === 2) socket.emit("chunks", { id, chunks: [chunk(2)], isEnded: true });
    };
    const seen: unknown[] = [];
    for await (const part of readStreamParts(reference, options())) seen.push(part.chunk);
    expect(seen).toEqual([0, 1, 2]);
  });

  test("ends with the reason of a signal", async () => {
    const abort = new AbortController();
    const reading = (async () => {
      for await (const _ of readStreamParts(reference, { ...options(), signal: abort.signal }));
    })();
    abort.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
  });
});

test("a run with its streams finds them, and is done when all of them are", async () => {
  server.rest = (_path, response) =>
    void response.writeHead(200).end(
      JSON.stringify({
        data: [
          { id: "rows", direction: "output" },
          { id: "chat", direction: "input" },
        ],
      }),
    );
  server.onSubscribe = ({ id }, socket) => {
    socket.emit("snapshot", { id, runs: [liveRun({ status: "COMPLETED" })], unchanged: [] });
    return { ok: true };
  };
  server.onRead = ({ id }, socket) => void socket.emit("chunks", { id, chunks: [chunk(0, "a")], isEnded: true });
  const observer = new RunWithStreamsObserver("run_1", options());
  leaves.push(observer.subscribe(() => undefined));
  const { run, streams } = await until(observer, ({ connection }) => connection === "closed");
  expect(run?.status).toBe("COMPLETED");
  expect(streams).toEqual({ rows: ["a"] });
});
