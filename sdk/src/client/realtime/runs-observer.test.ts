import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeRealtime, liveRun } from "../../../test/fake-realtime.ts";
import { until } from "../../../test/until.ts";
import { type RunSetTarget, RunsObserver } from "./runs-observer.ts";

let server: FakeRealtime;
const leaves: (() => void)[] = [];
beforeEach(async () => {
  server = await FakeRealtime.start();
});
afterEach(async () => {
  for (const leave of leaves.splice(0)) leave();
  await server[Symbol.asyncDispose]();
});

function watch(target: RunSetTarget): RunsObserver {
  const observer = new RunsObserver(target, { baseUrl: server.url, accessToken: "token", throttleInMs: 0 });
  leaves.push(observer.subscribe(() => undefined));
  return observer;
}

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`;
const [old, young] = [liveRun({ id: "run_a", createdAt: at(1) }), liveRun({ id: "run_b", createdAt: at(2) })];

describe("a set of runs that is watched", () => {
  test("shows the newest first, and leaves a run that has not changed the object it was", async () => {
    server.onSubscribe = ({ id }, socket) => {
      socket.emit("snapshot", { id, runs: [young, old], unchanged: [] });
      return { ok: true };
    };
    const observer = watch({ kind: "tag", tags: ["t"] });
    const { runs: before } = await until(observer, ({ isLoaded }) => isLoaded);
    expect(before.map(({ id }) => id)).toEqual(["run_b", "run_a"]);
    const [socket] = server.sockets;
    const newest = liveRun({ id: "run_c", createdAt: at(3) });
    socket?.emit("update", { id: "1", runs: [newest, { ...old, revision: 2, status: "COMPLETED" }] });
    const { runs } = await until(observer, (snapshot) => snapshot.runs.length === 3);
    expect(runs.map(({ id, status }) => `${id} ${status}`)).toEqual([
      "run_c EXECUTING",
      "run_b EXECUTING",
      "run_a COMPLETED",
    ]);
    expect(runs[1]).toBe(before[0]);
  });

  test("asks after a reconnect with the revisions it has, and drops what is no longer in it", async () => {
    server.onSubscribe = ({ id, since }, socket) => {
      if (since === undefined) socket.emit("snapshot", { id, runs: [young, old], unchanged: [] });
      else socket.emit("snapshot", { id, runs: [], unchanged: ["run_b"] });
      return { ok: true };
    };
    const observer = watch({ kind: "batch", batchId: "batch_1" });
    await until(observer, ({ runs }) => runs.length === 2);
    server.cut();
    expect((await until(observer, ({ runs }) => runs.length === 1)).runs[0]?.id).toBe("run_b");
    expect(server.subscribed[1]?.since).toEqual({ run_a: 1, run_b: 1 });
  });

  test("is loaded when it is empty", async () => {
    server.onSubscribe = ({ id }, socket) => {
      socket.emit("snapshot", { id, runs: [], unchanged: [] });
      return { ok: true };
    };
    expect((await until(watch({ kind: "environment" }), ({ isLoaded }) => isLoaded)).runs).toEqual([]);
  });

  test("of an environment counts how often it was told to look at the REST API, and holds no more than its limit", async () => {
    server.onSubscribe = ({ id }, socket) => {
      socket.emit("snapshot", { id, runs: [young, old], unchanged: [] });
      socket.emit("stale", { id });
      return { ok: true };
    };
    const observer = watch({ kind: "environment", limit: 1 });
    const { runs } = await until(observer, ({ staleCount }) => staleCount === 1);
    expect(runs.map(({ id }) => id)).toEqual(["run_b"]);
  });

  test("is polled page by page where there is no socket, with all of the tags", async () => {
    server.isOpen = false;
    server.rest = (path, response) => {
      const isFirst = !path.includes("page%5Bafter%5D");
      const data = isFirst
        ? [{ ...young, tags: ["a", "b"] }, { ...liveRun({ id: "run_x", tags: ["a"] }) }]
        : [{ ...old, tags: ["b", "a"] }];
      const body = { data, pagination: isFirst ? { next: "run_x" } : {} };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const { runs } = await until(
      watch({ kind: "tag", tags: ["a", "b"] }),
      ({ connection }) => connection === "polling",
    );
    expect(runs.map(({ id }) => id)).toEqual(["run_b", "run_a"]);
    expect(new URL(server.asked[0] ?? "", server.url).searchParams.get("filter[tag]")).toBe("a,b");
  }, 15_000);
});
