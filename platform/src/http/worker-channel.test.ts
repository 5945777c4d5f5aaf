import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Grant, type PlatformMessage, WORKER_CHANNEL_PATH } from "@gantry/sdk/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import type { WorkerLink, WorkerService } from "../cluster/worker-service.ts";
import { AppError } from "../errors.ts";
import { attachWorkerChannel, type WorkerChannel } from "./worker-channel.ts";

/** What the engine was told, in order; its answers are the test's to give. */
class ScriptedWorkers implements WorkerService {
  readonly calls: string[] = [];
  links: WorkerLink[] = [];
  free: number[] = [];
  complete: WorkerService["complete"] = async () => ({ kind: "done", status: "COMPLETED" });
  events: WorkerService["events"] = async (_link, { batch }) => void this.calls.push(`events ${batch}`);
  metadata: WorkerService["metadata"] = async () => undefined;
  journal: WorkerService["journal"] = async () => ({ state: "RUNNING", completions: [] });
  park: WorkerService["park"] = async () => ({ state: "PARKED", completions: [], isPressed: false });
  checkpoint: WorkerService["checkpoint"] = async () => ({ checkpointId: "c1", key: "k", maxStoredBytes: 9 });
  restored: WorkerService["restored"] = async () => ({ granted: true });
  hello: WorkerService["hello"] = async (link) => {
    this.links.push(link);
    return { fenced: ["e9"] };
  };
  heartbeat: WorkerService["heartbeat"] = async () => ({ fenced: [], cancel: ["e1"] });
  capacity(_link: WorkerLink, free: number): void {
    this.free.push(free);
  }
  node(): void {
    this.calls.push("node");
  }
  started(): void {
    this.calls.push("started");
  }
  disconnected(link: WorkerLink): void {
    this.calls.push(`disconnected ${this.links.indexOf(link)}`);
  }
}

/** A runner's end of the channel. */
class TestRunner {
  readonly socket: WebSocket;
  readonly received: PlatformMessage[] = [];
  readonly closed: Promise<number>;
  #wake: (() => void)[] = [];

  constructor(url: string, token: string) {
    this.socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
    this.socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => this.socket.on("close", resolve));
    this.socket.on("message", (data) => {
      this.received.push(...(JSON.parse(String(data)) as PlatformMessage[]));
      for (const wake of this.#wake.splice(0)) wake();
    });
  }

  async open(): Promise<this> {
    await new Promise((resolve, reject) =>
      this.socket.once("open", resolve).once("unexpected-response", (_, response) => reject(response.statusCode)),
    );
    return this;
  }

  send(...messages: object[]): void {
    this.socket.send(JSON.stringify(messages));
  }

  async reply(id: string): Promise<Extract<PlatformMessage, { type: "reply" }>> {
    for (;;) {
      const found = this.received.find((message) => message.type === "reply" && message.id === id);
      if (found) return found as Extract<PlatformMessage, { type: "reply" }>;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  async greeted(): Promise<this> {
    await this.open();
    this.send(HELLO);
    await this.reply("h");
    return this;
  }
}

const HELLO = { type: "hello", id: "h", protocol: 1, workerId: "w1", pid: 1, host: "test", executions: [] };
const COMPLETE = {
  type: "complete",
  executionId: "e1",
  fence: "1.1",
  attempt: 1,
  outcome: { kind: "completed", outputType: "application/json", output: "1" },
  usage: { computeMs: 1 },
};
const EVENTS = { type: "events", executionId: "e1", fence: "1.1", attempt: 1, events: [] };

let server: Server;
let workers: ScriptedWorkers;
let channel: WorkerChannel;
let url: string;
const problems: string[] = [];

beforeEach(async () => {
  server = createServer();
  workers = new ScriptedWorkers();
  problems.length = 0;
  const log = {
    warn: (_: object, message: string) => void problems.push(message),
    error: (_: object, message: string) => void problems.push(message),
  };
  const credentials = {
    verifyWorkerToken: (token: string) =>
      token === "good" ? { workerId: "w1", environmentId: 7, deploymentId: "d1" } : undefined,
  };
  channel = attachWorkerChannel(server, { credentials, workers, log, maxFrameBytes: 1024 * 1024 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}${WORKER_CHANNEL_PATH}`;
});

afterEach(async () => {
  await channel.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe("the worker channel", () => {
  test("refuses a token that is not a worker's", async () => {
    await expect(new TestRunner(url, "bad").open()).rejects.toBe(401);
  });

  test("welcomes a runner, tells what is fenced, and gives the engine its link", async () => {
    const runner = await new TestRunner(url, "good").greeted();
    expect((await runner.reply("h")).welcome).toEqual({
      heartbeatMs: 5_000,
      leaseTtlMs: 15_000,
      maxOfflineMs: 600_000,
      fenced: ["e9"],
    });
    expect(workers.links[0]).toMatchObject({ workerId: "w1", environmentId: 7, deploymentId: "d1" });
    expect(channel.connectionCount).toBe(1);
  });

  test("answers each request by its id", async () => {
    const runner = await new TestRunner(url, "good").greeted();
    runner.send(
      { ...EVENTS, id: "a", batch: 0 },
      { ...COMPLETE, id: "b" },
      { type: "heartbeat", id: "c", executions: [] },
    );
    expect((await runner.reply("b")).verdict).toEqual({ kind: "done", status: "COMPLETED" });
    expect(await runner.reply("a")).toEqual({ type: "reply", id: "a" });
    expect((await runner.reply("c")).beat).toEqual({ fenced: [], cancel: ["e1"] });
  });

  test("holds what comes in the same frame as the hello until the engine has welcomed the runner", async () => {
    const asked = Promise.withResolvers<void>();
    const welcome = Promise.withResolvers<void>();
    workers.hello = async () => {
      asked.resolve();
      await welcome.promise;
      workers.calls.push("welcomed");
      return { fenced: [] };
    };
    const runner = await new TestRunner(url, "good").open();
    runner.send(HELLO, { ...EVENTS, id: "a", batch: 0 });
    await asked.promise;
    welcome.resolve();
    await runner.reply("a");
    expect(workers.calls).toEqual(["welcomed", "events 0"]);
  });

  test("carries out the requests of one execution in order, those of others meanwhile", async () => {
    const runner = await new TestRunner(url, "good").greeted();
    let release: () => void = () => undefined;
    workers.events = async (_link, { executionId, batch }) => {
      if (executionId === "e1" && batch === 0) await new Promise<void>((resolve) => (release = resolve));
      workers.calls.push(`${executionId} events ${batch}`);
    };
    workers.complete = async (_link, { executionId }) => {
      workers.calls.push(`${executionId} complete`);
      return { kind: "done", status: "COMPLETED" };
    };
    runner.send(
      { ...EVENTS, id: "1", batch: 0 },
      { ...EVENTS, id: "2", batch: 1 },
      { ...COMPLETE, id: "3" },
      { ...EVENTS, id: "4", batch: 0, executionId: "e2" },
      { ...COMPLETE, id: "5", executionId: "e2" },
    );
    await runner.reply("5");
    expect(workers.calls).toEqual(["e2 events 0", "e2 complete"]);
    release();
    await runner.reply("3");
    expect(workers.calls.slice(2)).toEqual(["e1 events 0", "e1 events 1", "e1 complete"]);
  });

  test("does not let a later request overtake one that is to be sent again", async () => {
    const runner = await new TestRunner(url, "good").greeted();
    workers.events = async () => {
      throw new AppError("STORE_UNAVAILABLE", "The database is away.");
    };
    runner.send({ ...EVENTS, id: "1", batch: 0 }, { ...COMPLETE, id: "2" });
    const want = { code: "STORE_UNAVAILABLE", message: "The database is away.", retryable: true };
    expect((await runner.reply("1")).error).toEqual(want);
    expect((await runner.reply("2")).error).toEqual(want);
    workers.events = async () => undefined;
    runner.send({ ...EVENTS, id: "1b", batch: 0 }, { ...COMPLETE, id: "2b" });
    expect((await runner.reply("2b")).verdict?.kind).toBe("done");
  });

  test("tells a fault of the platform's from a final refusal", async () => {
    const runner = await new TestRunner(url, "good").greeted();
    workers.complete = async () => {
      throw new AppError("OUTPUT_TOO_LARGE", "too large");
    };
    runner.send({ ...COMPLETE, id: "1" });
    expect((await runner.reply("1")).error).toMatchObject({ code: "OUTPUT_TOO_LARGE", retryable: false });
    workers.complete = async () => {
      throw new Error("a bug");
    };
    runner.send({ ...COMPLETE, id: "2" });
    expect((await runner.reply("2")).error).toMatchObject({ code: "INTERNAL", retryable: true });
    expect(problems).toEqual(["a worker's request failed"]);
  });

  const refusals: Record<string, { message: unknown; wantReply: boolean }> = {
    "an unknown type": { message: { type: "dance", id: "x" }, wantReply: true },
    "a missing field": { message: { type: "complete", id: "x" }, wantReply: true },
    "a wrong type of field": { message: { ...EVENTS, id: "x", batch: -1 }, wantReply: true },
    "no object": { message: 7, wantReply: false },
    "no id": { message: { type: "capacity", free: "many" }, wantReply: false },
  };
  test.each(Object.entries(refusals))(
    "refuses a message with %s and goes on",
    async (_sentence, { message, wantReply }) => {
      const runner = await new TestRunner(url, "good").greeted();
      runner.socket.send(JSON.stringify([message, { type: "heartbeat", id: "after", executions: [] }]));
      await runner.reply("after");
      if (wantReply)
        expect((await runner.reply("x")).error).toMatchObject({ code: "VALIDATION_FAILED", retryable: false });
      expect(problems).toHaveLength(1);
    },
  );

  const breaches: Record<string, { send: (runner: TestRunner) => void; wantCode: number }> = {
    "a frame that is no JSON": { send: (runner) => runner.socket.send("{"), wantCode: 1007 },
    "a frame that is no array": { send: (runner) => runner.socket.send("{}"), wantCode: 1007 },
    "a frame over the limit": { send: (runner) => runner.socket.send("x".repeat(1024 * 1024 + 1)), wantCode: 1009 },
    "a message before the hello": { send: (runner) => runner.send({ type: "capacity", free: 1 }), wantCode: 1002 },
    "another worker's hello": { send: (runner) => runner.send({ ...HELLO, workerId: "w2" }), wantCode: 1008 },
  };
  test.each(Object.entries(breaches))("closes the connection on %s", async (_sentence, { send, wantCode }) => {
    const runner = await new TestRunner(url, "good").open();
    send(runner);
    expect(await runner.closed).toBe(wantCode);
  });

  test("takes grants that are still on their way off a runner's capacity", async () => {
    const runner = await new TestRunner(url, "good").greeted();
    workers.links[0]?.send({ type: "grant", grants: [{}, {}, {}] as Grant[] });
    runner.send(
      { type: "capacity", free: 5, granted: 1 },
      { type: "capacity", free: 3, granted: 3 },
      { type: "heartbeat", id: "b", executions: [] },
    );
    await runner.reply("b");
    expect(workers.free).toEqual([3, 3]);
    expect(runner.received.filter((message) => message.type === "grant")).toHaveLength(3);
  });

  test("keeps one connection per worker: a newer one replaces the older", async () => {
    const older = await new TestRunner(url, "good").greeted();
    await new TestRunner(url, "good").greeted();
    expect(await older.closed).toBe(1001);
    expect(workers.calls).toEqual(["disconnected 0"]);
    expect(channel.connectionCount).toBe(1);
  });

  test("tells the engine when a runner is gone", async () => {
    const runner = await new TestRunner(url, "good").greeted();
    runner.socket.terminate();
    await expect.poll(() => workers.calls).toEqual(["disconnected 0"]);
  });
});
