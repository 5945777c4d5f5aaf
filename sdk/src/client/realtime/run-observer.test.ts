import superjson from "superjson";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeRealtime, liveRun } from "../../../test/fake-realtime.ts";
import { until } from "../../../test/until.ts";
import { RunObserver, type RunObserverOptions } from "./run-observer.ts";

let server: FakeRealtime;
const leaves: (() => void)[] = [];
beforeEach(async () => {
  server = await FakeRealtime.start();
});
afterEach(async () => {
  for (const leave of leaves.splice(0)) leave();
  await server[Symbol.asyncDispose]();
});

/** Watched until the test ends. */
function watch(options: Partial<RunObserverOptions> = {}): RunObserver {
  const observer = new RunObserver("run_1", { baseUrl: server.url, accessToken: "token", throttleInMs: 0, ...options });
  leaves.push(observer.subscribe(() => undefined));
  return observer;
}

describe("a run that is watched", () => {
  test("is connecting until its first word, then live, and ends with the run", async () => {
    server.onSubscribe = ({ id }, socket) => {
      socket.emit("snapshot", { id, runs: [liveRun({ metadata: { percent: 10 } })], unchanged: [] });
      return { ok: true };
    };
    const observer = watch();
    expect(observer.getSnapshot()).toMatchObject({ run: undefined, connection: "connecting" });
    expect(await until(observer, ({ run }) => run !== undefined)).toMatchObject({
      connection: "live",
      run: { metadata: { percent: 10 }, createdAt: new Date("2026-01-01T00:00:00Z") },
    });
    const [socket] = server.sockets;
    socket?.emit("update", { id: "1", runs: [liveRun({ revision: 2, status: "COMPLETED", output: 7 })] });
    expect(await until(observer, ({ connection }) => connection === "closed")).toMatchObject({
      connectionReason: "ENDED",
      run: { status: "COMPLETED", output: 7 },
      error: undefined,
    });
  });

  test("keeps the payload that updates leave out, and restores what JSON cannot hold", async () => {
    const { json, meta } = superjson.serialize({ at: new Date(5) });
    server.onSubscribe = ({ id }, socket) => {
      const first = liveRun({ payload: json, payloadType: "application/super+json", payloadMeta: meta });
      socket.emit("snapshot", { id, runs: [first], unchanged: [] });
      socket.emit("update", { id, runs: [liveRun({ revision: 2, metadata: { a: 1 } })] });
      return { ok: true };
    };
    const { run } = await until(watch(), (snapshot) => snapshot.run?.revision === 2);
    expect(run).toMatchObject({ payload: { at: new Date(5) }, metadata: { a: 1 } });
  });

  test("fetches an output that is elsewhere, once", async () => {
    server.rest = (_path, response) =>
      void response.writeHead(200, { "content-type": "application/json" }).end('{"rows":3}');
    server.onSubscribe = ({ id }, socket) => {
      const ended = { status: "COMPLETED" as const, outputPresignedUrl: `${server.url}/large` };
      socket.emit("snapshot", { id, runs: [liveRun(ended)], unchanged: [] });
      socket.emit("update", { id, runs: [liveRun({ ...ended, revision: 2 })] });
      return { ok: true };
    };
    const observer = watch({ stopOnCompletion: false });
    const { run } = await until(
      observer,
      (snapshot) => snapshot.run?.revision === 2 && snapshot.run.output !== undefined,
    );
    expect(run?.output).toEqual({ rows: 3 });
    expect(server.asked.filter((path) => path === "/large")).toHaveLength(1);
  });

  test("is not changed by what is older than it", async () => {
    server.onSubscribe = ({ id }, socket) => {
      socket.emit("snapshot", { id, runs: [liveRun({ revision: 5 })], unchanged: [] });
      socket.emit("update", { id, runs: [liveRun({ revision: 4, metadata: { old: true } })] });
      socket.emit("update", { id, runs: [liveRun({ revision: 6 })] });
      return { ok: true };
    };
    const { run } = await until(watch(), (snapshot) => snapshot.run?.revision === 6);
    expect(run?.metadata).toBeUndefined();
  });

  test("says when its socket is lost, and asks with what it has when there is one again", async () => {
    server.onSubscribe = ({ id, since }, socket) => {
      const revision = since === undefined ? 3 : 4;
      socket.emit("snapshot", { id, runs: [liveRun({ revision })], unchanged: [] });
      return { ok: true };
    };
    const observer = watch();
    await until(observer, ({ run }) => run !== undefined);
    server.cut();
    expect(await until(observer, ({ connection }) => connection === "connecting")).toMatchObject({
      connectionReason: "SOCKET_LOST",
      run: { revision: 3 },
    });
    await until(observer, ({ run, connection }) => run?.revision === 4 && connection === "live");
    expect(server.subscribed.map(({ since }) => since)).toEqual([undefined, { run_1: 3 }]);
  });

  test("shares its socket with others of the same token, and leaves it open for them", async () => {
    server.onSubscribe = ({ id }, socket) => {
      socket.emit("snapshot", { id, runs: [liveRun()], unchanged: [] });
      return { ok: true };
    };
    const [first, second, stranger] = [watch(), watch(), watch({ accessToken: "other" })];
    for (const each of [first, second, stranger]) await until(each, ({ run }) => run !== undefined);
    expect(server.tokens.toSorted()).toEqual(["other", "token"]);
    first.stop();
    expect(first.getSnapshot()).toMatchObject({
      connection: "closed",
      connectionReason: "STOPPED",
      run: { id: "run_1" },
    });
    const [socket] = [...server.sockets].filter(({ handshake }) => handshake.auth.token === "token");
    socket?.emit("update", { id: "2", runs: [liveRun({ revision: 2 })] });
    await until(second, ({ run }) => run?.revision === 2);
  });

  test("that the token may not read is refused, with the platform's words", async () => {
    server.onSubscribe = () => ({ ok: false, error: { code: "FORBIDDEN", message: "Not with this token." } });
    const { error, connection } = await until(watch(), (snapshot) => snapshot.error !== undefined);
    expect(error).toMatchObject({ name: "PermissionDeniedError", code: "FORBIDDEN", status: 403 });
    expect(connection).toBe("closed");
  });

  test("is asked for again where the platform is too busy to answer", async () => {
    let asked = 0;
    server.onSubscribe = ({ id }, socket) => {
      if (asked++ === 0) return { ok: false, error: { code: "RATE_LIMITED", message: "Slower." } };
      socket.emit("snapshot", { id, runs: [liveRun()], unchanged: [] });
      return { ok: true };
    };
    expect((await until(watch(), ({ run }) => run !== undefined)).error).toBeUndefined();
  });
});

describe("a token that expires", () => {
  test("ends the watching where nobody can renew it, and says what to do", async () => {
    server.onSubscribe = (_request, socket) => {
      socket.emit("expired");
      return { ok: true };
    };
    const { error } = await until(watch(), (snapshot) => snapshot.error !== undefined);
    expect(error).toMatchObject({ code: "TOKEN_EXPIRED", status: 401 });
    expect(error?.message).toContain("accessToken as a function");
  });

  test("is renewed by its function, on the same socket", async () => {
    let made = 0;
    server.onSubscribe = ({ id }, socket) => {
      socket.emit("snapshot", { id, runs: [liveRun()], unchanged: [] });
      socket.emit("expired");
      return { ok: true };
    };
    server.onRenew = () => {
      for (const socket of server.sockets) socket.emit("update", { id: "1", runs: [liveRun({ revision: 2 })] });
      return { ok: true };
    };
    const observer = watch({ accessToken: () => `token ${++made}` });
    const { connection } = await until(observer, ({ run, connection }) => run?.revision === 2 && connection === "live");
    expect(connection).toBe("live");
    expect(server.tokens).toEqual(["token 1", "token 2"]);
  });

  test("before the socket is up is renewed for it; but not for ever", async () => {
    let made = 0;
    server.letIn = () => ({ code: "TOKEN_EXPIRED", message: "Too old." });
    const { error } = await until(
      watch({ accessToken: () => `token ${++made}` }),
      (snapshot) => snapshot.error !== undefined,
    );
    expect(error).toMatchObject({ code: "TOKEN_EXPIRED" });
    expect(made).toBe(4);
  });
});

describe("without a socket", () => {
  test("the run is polled, which the snapshot says, until there is a socket", async () => {
    server.isOpen = false;
    let revision = 1;
    server.rest = (_path, response) => {
      const { env: _, ...run } = liveRun({ revision: revision++, metadata: { by: "rest" } });
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ...run, relatedRuns: {} }));
    };
    const observer = watch();
    expect(
      await until(observer, ({ run, connection }) => run !== undefined && connection !== "connecting"),
    ).toMatchObject({
      connection: "polling",
      connectionReason: "SOCKET_UNAVAILABLE",
      run: { metadata: { by: "rest" } },
    });
    expect(server.asked[0]).toBe("/api/v3/runs/run_1");
    server.onSubscribe = ({ id }, socket) => {
      socket.emit("snapshot", { id, runs: [liveRun({ revision: 100 })], unchanged: [] });
      return { ok: true };
    };
    server.isOpen = true;
    await until(observer, ({ connection, run }) => connection === "live" && run?.revision === 100);
  }, 20_000);

  test("a run that REST refuses ends the watching", async () => {
    server.isOpen = false;
    server.rest = (_path, response) =>
      void response.writeHead(404).end(JSON.stringify({ error: "No such run.", code: "RUN_NOT_FOUND" }));
    const { error } = await until(watch(), (snapshot) => snapshot.error !== undefined);
    expect(error).toMatchObject({ code: "RUN_NOT_FOUND" });
  });
});
