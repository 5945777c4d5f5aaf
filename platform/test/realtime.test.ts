import type { Socket } from "node:net";
import type { RealtimeTarget } from "@gantry/sdk/contract";
import { describe, expect, onTestFinished, test } from "vitest";
import { LiveClient } from "./support/live-client.ts";
import { startRealPlatform } from "./support/real-platform.ts";
import { caller } from "./support/served-http.ts";

const { url, key, otherKey, complete, platform, prod } = await startRealPlatform();

const call = (method: string, path: string, body?: unknown, as = key) => caller(url)(method, path, { key: as, body });
async function trigger(options: Record<string, unknown> = {}, payload: unknown = { n: 1 }) {
  const { body } = await call("POST", "/api/v1/tasks/import/trigger", { payload, options });
  return String(body.id);
}
/** A run that nothing but its test changes any more: it is admitted, and no worker comes. */
async function resting() {
  const runId = await trigger();
  await expect.poll(async () => (await call("GET", `/api/v3/runs/${runId}`)).body.status).toBe("DEQUEUED");
  return runId;
}
const setMetadata = (runId: string, metadata: object) => call("PUT", `/api/v1/runs/${runId}/metadata`, { metadata });
const tokenFor = async (scopes: string[], expirationTime: string | number = "15m") =>
  String((await call("POST", "/api/v1/auth/public-tokens", { scopes, expirationTime })).body.token);
const client = (token = key) => new LiveClient(url, token).connected();

describe("a subscription to a run", () => {
  test("begins with the run as the API shows it, and goes on with what becomes of it", async () => {
    const runId = await resting();
    const live = await client();
    await live.follow(runId);
    const { relatedRuns: _, ...shown } = (await call("GET", `/api/v3/runs/${runId}`)).body;
    expect(live.run(runId)).toMatchObject(shown);
    await setMetadata(runId, { percent: 40 });
    await live.until(() => live.run(runId)?.metadata?.percent === 40);
    await complete(runId, { rows: 3 });
    await live.until(() => live.run(runId)?.isCompleted);
    expect(live.run(runId)).toMatchObject({ status: "COMPLETED", output: { rows: 3 }, payload: { n: 1 } });
    expect(live.of("snapshot")).toHaveLength(1);
  });
});

describe("a public token for one run", () => {
  test("reads that run and nothing else", async () => {
    const [mine, other] = [await trigger({ tags: ["a"] }), await trigger({ tags: ["a"] })];
    const { body } = await call("POST", "/api/v3/batches", { runCount: 1 });
    const live = await client(await tokenFor([`read:runs:${mine}`]));
    await live.follow(mine);
    const refused = [
      { kind: "run", runId: other },
      { kind: "tag", tags: ["a"] },
      { kind: "batch", batchId: String(body.id) },
      { kind: "environment" },
    ] satisfies RealtimeTarget[];
    for (const target of refused) {
      expect(await live.subscribe(target, { id: "2" })).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
    }
    await setMetadata(other, { secret: true });
    await setMetadata(mine, { mine: true });
    await live.until(() => live.run(mine)?.metadata?.mine === true);
    expect(JSON.stringify(live.heard)).not.toContain(other);
  });

  test("is of no use in another environment", async () => {
    const runId = await trigger();
    const live = await client(otherKey);
    expect(await live.subscribe({ kind: "run", runId })).toMatchObject({ ok: false, error: { code: "RUN_NOT_FOUND" } });
  });
});

describe("sets", () => {
  test("of a tag, of a batch and of the environment show their runs, old and new", async () => {
    const before = await trigger({ tags: ["set"] });
    const live = await client();
    await live.subscribe({ kind: "tag", tags: ["set"] }, { id: "tag" });
    await live.subscribe({ kind: "environment", limit: 1 }, { id: "all" });
    await live.until(() => live.run(before, "tag") !== undefined && live.of("snapshot", "all").length === 1);
    expect(live.of("snapshot", "all")[0]?.runs).toHaveLength(1);
    const { body: batch } = await call("POST", "/api/v2/tasks/batch", {
      items: [1, 2, 3].map((n) => ({ task: "import", payload: { n }, options: { tags: ["set"] } })),
    });
    const token = await tokenFor([`read:batch:${batch.id}`]);
    const outside = await client(token);
    await outside.subscribe({ kind: "batch", batchId: String(batch.id) });
    await outside.until(() => outside.views.get("1")?.size === 3);
    const later = await trigger({ tags: ["set"] });
    await live.until(() => live.views.get("tag")?.size === 5 && live.run(later, "all") !== undefined);
    await setMetadata(later, { seen: 1 });
    await live.until(
      () => live.run(later, "tag")?.metadata?.seen === 1 && live.run(later, "all")?.metadata?.seen === 1,
    );
    expect(live.run(later, "tag")).not.toHaveProperty("payload");
    expect(outside.views.get("1")?.size).toBe(3);
  });

  test("of a batch that is not there is refused", async () => {
    const live = await client();
    const batchId = "batch_00000000000000000000000000";
    expect(await live.subscribe({ kind: "batch", batchId })).toMatchObject({
      ok: false,
      error: { code: "BATCH_NOT_FOUND" },
    });
  });
});

describe("a token", () => {
  test("that expires silences its subscriptions until it is renewed, and what changed meanwhile is sent then", async () => {
    const runId = await trigger();
    const scopes = [`read:runs:${runId}`];
    const live = await client(await tokenFor(scopes, "4s"));
    await live.follow(runId);
    await live.until(() => live.of("expired").length === 1);
    await setMetadata(runId, { hidden: 1 });
    const witness = await client();
    await witness.follow(runId);
    await setMetadata(runId, { hidden: 2 });
    await witness.until(() => witness.run(runId)?.metadata?.hidden === 2);
    expect(JSON.stringify(live.heard)).not.toContain("hidden");
    const renew = (token: string) => live.socket.timeout(5_000).emitWithAck("renew", { token });
    expect(await renew(otherKey)).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
    expect(await renew("nonsense")).toMatchObject({ ok: false, error: { code: "UNAUTHORIZED" } });
    expect(await renew(await tokenFor(scopes))).toEqual({ ok: true });
    await live.until(() => live.run(runId)?.metadata?.hidden === 2);
    expect(live.of("snapshot")).toHaveLength(1);
  });

  test("that is renewed with fewer scopes ends what it no longer allows", async () => {
    const [one, two] = [await trigger(), await trigger()];
    const live = await client(await tokenFor([`read:runs:${one}`, `read:runs:${two}`]));
    await live.follow(one, { id: "one" });
    await live.follow(two, { id: "two" });
    await live.socket.timeout(5_000).emitWithAck("renew", { token: await tokenFor([`read:runs:${two}`]) });
    await live.until(() => live.of("closed", "one").length === 1);
    expect(live.of("closed", "two")).toEqual([]);
  });

  const refused: Record<string, { auth: object; want: string }> = {
    "that is missing": { auth: {}, want: "UNAUTHORIZED" },
    "that is none": { auth: { token: "nonsense" }, want: "UNAUTHORIZED" },
    "that is no text": { auth: { token: { a: 1 } }, want: "UNAUTHORIZED" },
    "of a key for another environment than is meant": {
      auth: { token: key, environment: "staging" },
      want: "FORBIDDEN",
    },
  };
  test.each(Object.entries(refused))("%s lets nobody in", async (_sentence, { auth, want }) => {
    await expect(new LiveClient(url, auth as never).connected()).rejects.toThrow(want);
  });

  test("of a person names its environment", async () => {
    const { token } = await platform.projects.createAccessToken("laptop", []);
    await expect(new LiveClient(url, token).connected()).rejects.toThrow("BAD_REQUEST");
    const live = await new LiveClient(url, { token, project: "proj_test", environment: "prod" }).connected();
    await live.follow(await trigger());
  });

  test("that may only trigger reads nothing", async () => {
    const { key: narrow } = await platform.projects.createKey(prod, "trigger");
    const live = await client(narrow);
    expect(await live.subscribe({ kind: "run", runId: await trigger() })).toMatchObject({
      ok: false,
      error: { code: "FORBIDDEN" },
    });
  });
});

describe("what a client asks", () => {
  const bad: Record<string, { request: unknown; want: string }> = {
    "that is nothing": { request: undefined, want: "BAD_REQUEST" },
    "without a target": { request: { id: "1" }, want: "BAD_REQUEST" },
    "for a kind that is none": { request: { id: "1", target: { kind: "world" } }, want: "BAD_REQUEST" },
    "for what is no run": { request: { id: "1", target: { kind: "run", runId: "run_1" } }, want: "MALFORMED_ID" },
    "for no tags": { request: { id: "1", target: { kind: "tag", tags: [] } }, want: "BAD_REQUEST" },
    "with revisions that are none": {
      request: { id: "1", target: { kind: "environment" }, since: { a: "b" } },
      want: "BAD_REQUEST",
    },
  };
  test.each(Object.entries(bad))("%s gets a clear answer", async (_sentence, { request, want }) => {
    const live = await client();
    expect(await live.socket.timeout(5_000).emitWithAck("subscribe", request as never)).toMatchObject({
      ok: false,
      error: { code: want },
    });
  });

  test("beyond the limit of subscriptions is refused by its name, and there is room again when one has ended", async () => {
    onTestFinished(async () => void (await call("PUT", "/api/v1/limits", { subscriptionsPerSocket: 100 })));
    await call("PUT", "/api/v1/limits", { subscriptionsPerSocket: 2 });
    const runId = await trigger();
    const live = await client();
    for (const id of ["1", "2"]) await live.follow(runId, { id });
    expect(await live.subscribe({ kind: "run", runId }, { id: "3" })).toMatchObject({
      ok: false,
      error: { code: "TOO_MANY_SUBSCRIPTIONS", message: expect.stringContaining("subscriptionsPerSocket") },
    });
    live.socket.emit("unsubscribe", { id: "1" });
    await live.follow(runId, { id: "3" });
  });

  test("with revisions it has gets only what differs", async () => {
    const runId = await resting();
    const first = await client();
    await first.follow(runId);
    const since = { [runId]: first.run(runId)?.revision ?? -1 };
    const again = await client();
    await again.follow(runId, { since });
    expect(again.of("snapshot")).toEqual([{ id: "1", runs: [], unchanged: [runId] }]);
    await setMetadata(runId, { newer: true });
    const third = await client();
    await third.follow(runId, { since });
    expect(third.run(runId)?.metadata).toEqual({ newer: true });
  });
});

describe("the server", () => {
  test("serves workers beside sockets, and hangs up on upgrades for neither", async () => {
    const live = await client();
    await live.follow(await trigger());
    const { WebSocket } = await import("ws");
    const outcome = (path: string) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(url.replace("http", "ws") + path);
        socket.once("unexpected-response", (_request, response) => resolve(String(response.statusCode)));
        socket.once("error", () => resolve("cut"));
        socket.once("open", () => resolve("open"));
      });
    expect(await outcome("/worker/v1/channel").then((said) => said !== "open")).toBe(true);
    expect(await outcome("/elsewhere")).toBe("cut");
    expect(live.socket.connected).toBe(true);
  });

  test("takes no polling transport, and nobody outside its namespace", async () => {
    const { io } = await import("socket.io-client");
    const error = (namespace: string, transports: string[]) =>
      new Promise<string>((resolve) => {
        const socket = io(url + namespace, {
          path: "/realtime/socket",
          transports,
          reconnection: false,
          forceNew: true,
          auth: { token: key },
        });
        socket.once("connect", () => resolve("connected"));
        socket.once("connect_error", (said) => {
          socket.disconnect();
          resolve(said.message);
        });
      });
    expect(await error("/realtime", ["polling"])).not.toBe("connected");
    expect(await error("/", ["websocket"])).toMatch(/namespace \/realtime/);
  });

  test("counts its sockets and subscriptions", async () => {
    const live = await client();
    await live.follow(await trigger());
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^gantry_realtime_sockets [1-9]/m);
    expect(metrics).toMatch(/^gantry_realtime_subscriptions{target="run"} [1-9]/m);
    expect(metrics).toMatch(/^gantry_realtime_messages_total{kind="snapshot"} [1-9]/m);
  });

  test("holds back a client that reads nothing, keeps little for it, and sends it the last value when it reads", async () => {
    const runId = await trigger();
    const slow = await client();
    const quick = await client();
    const ids = Array.from({ length: 30 }, (_, index) => String(index));
    for (const id of ids) await slow.follow(runId, { id });
    await quick.follow(runId);
    const metric = async (name: string) => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, "m").exec(text)?.[1] ?? 0);
    };
    const before = await metric("gantry_realtime_held_back_total");
    const { _socket: raw } = (slow.socket.io.engine.transport as unknown as { ws: { _socket: Socket } }).ws;
    raw.pause();
    const large = "x".repeat(200_000);
    // Thirty times as much goes to the slow one: far more than what the system's buffers take.
    for (let n = 1; n <= 8; n++) {
      await setMetadata(runId, { n, large });
      await quick.until(() => quick.run(runId)?.metadata?.n === n);
    }
    expect((await metric("gantry_realtime_held_back_total")) - before).toBeGreaterThan(30);
    raw.resume();
    await slow.until(() => ids.every((id) => slow.run(runId, id)?.metadata?.n === 8));
    const received = ids.reduce((sum, id) => sum + slow.of("update", id).length, 0);
    expect(received).toBeLessThan(8 * 30);
  });
});
