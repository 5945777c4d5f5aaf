import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Grant, RestoreGrant } from "@gantry/sdk/contract";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Execution } from "../src/execution.ts";
import type { BroughtBack } from "../src/restore/bring-back.ts";
import { FakeJournal } from "./support/fake-journal.ts";
import { grantOf } from "./support/fake-platform.ts";
import { gone } from "./support/processes.ts";
import { RunnerParts } from "./support/runner-parts.ts";
import { type StoppedProcess, stateOf, stopProcess } from "./support/stopped-process.ts";
import { buildTaskProgram } from "./support/task-program.ts";

const TASKS = `
  import { task, wait } from "@gantry/sdk";
  import { existsSync } from "node:fs";
  import { Socket } from "node:net";
  const host = () => (globalThis as any)[Symbol.for("dev.gantry.run")].getStore().host;
  task({ id: "waits", run: async (_: unknown, { ctx }: any) => {
    const here = { pid: process.pid, token: host().api.token, count: 1 };
    process.stdout.write("before\\n");
    await wait.for({ seconds: 60 });
    here.count += 1;
    process.stdout.write("after\\n");
    return { before: here, pid: process.pid, token: host().api.token, attempt: ctx.attempt.number };
  } });
  task({ id: "twice", run: async () => {
    await wait.for({ seconds: 60 });
    console.log("between");
    await wait.for({ seconds: 61 });
    return "done";
  } });
  task({ id: "cuts", run: async () => {
    await wait.for({ seconds: 60 });
    (process as any)._getActiveHandles().filter((each: unknown) => each instanceof Socket).forEach((each: Socket) => each.destroy());
    await wait.for({ seconds: 61 });
    return "done";
  } });
  task({ id: "cancelable", onCancel: () => { console.log("heard of it"); }, run: async () => {
    await wait.for({ seconds: 60 });
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  } });
  task({ id: "drained", run: async (_: unknown, { drainSignal }: any) => {
    await wait.for({ seconds: 60 });
    if (!drainSignal.aborted) await new Promise((resolve) => drainSignal.addEventListener("abort", resolve));
    return drainSignal.reason.code;
  } });
  task({ id: "ends-by-itself", run: () => Promise.race([wait.for({ seconds: 60 }), new Promise((resolve) => { const timer = setInterval(() => { if (existsSync("its-time")) { clearInterval(timer); resolve("its own timer"); } }, 30); })]) });
  task({ id: "fails", run: async (_: unknown, { ctx }: any) => {
    if (ctx.attempt.number > 1) return { pid: process.pid };
    await wait.for({ seconds: 60 });
    throw new Error("pid " + process.pid);
  } });
`;

let programDir: string;
let program: { programFile: string; entry: string };
beforeAll(async () => {
  programDir = await mkdtemp(join(tmpdir(), "gantry-program-"));
  program = await buildTaskProgram(programDir, TASKS);
});
afterAll(() => rm(programDir, { recursive: true, force: true }));

let dir: string;
let first: RunnerParts;
let next: RunnerParts;
let journal: FakeJournal;
let stopped: StoppedProcess;
let bringing: PromiseWithResolvers<void>;
let execution: Execution;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-restoring-"));
});
afterEach(async () => {
  await next?.close();
  first?.pool.killAll();
  await first?.pool.close();
  await rm(dir, { recursive: true, force: true });
});

const OLD = "execution_old";
const NEW = "execution_new";

/** Runs the task up to its first wait, and stops its process there. */
async function store(taskId: string): Promise<void> {
  journal = new FakeJournal(() => execution?.news());
  const parts = { dir, ...program, journal };
  first = await RunnerParts.start(parts, "1.sock");
  const held = first.execution(grant(taskId, OLD));
  await first.request("park");
  held.readOutput();
  await first.until(() => held.isParked);
  stopped = await stopProcess(first, { executionId: OLD, attempt: 1 }, dir);
  bringing = Promise.withResolvers();
  const bringBack = async (_: RestoreGrant, signal: AbortSignal): Promise<BroughtBack> => {
    await Promise.race([bringing.promise, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
    signal.throwIfAborted();
    return { ...stopped, fetchMs: 1.4, restoreMs: 2.6 };
  };
  next = await RunnerParts.start({ ...parts, bringBack }, "1.sock");
}

function grant(taskId: string, executionId: string, overrides: Partial<Grant> = {}): Grant {
  const checkpoint = { mode: "hold", process: false, holdMs: 0, strict: false, unchecked: false, onHoldLost: "fail" };
  return grantOf(taskId, { executionId, fence: `fence of ${executionId}`, checkpoint, ...overrides } as never);
}

/** The wait ends, and another runner is granted the run with its process. */
function bringBack(taskId: string): void {
  journal.passTime({ isTold: false });
  const restore = { checkpointId: "checkpoint_1", known: 0 } as RestoreGrant;
  const granted = grant(taskId, NEW, { restore, runToken: "new-token", journal: journal.snapshot() });
  execution = next.execution(granted);
}

const lines = (parts: RunnerParts) => parts.events.filter(({ kind }) => kind !== "event").map(({ message }) => message);
const outcome = async (parts = next) => (await parts.request("complete")).outcome;
const output = async () => {
  const completed = (await outcome()) as { output: string; outputType: string };
  return completed.outputType.includes("json") ? JSON.parse(completed.output).json : completed.output;
};

describe("a process that was stored", () => {
  test("goes on at its next line, as the new execution, with its token", async () => {
    await store("waits");
    bringBack("waits");
    bringing.resolve();
    const { pid } = stopped.memo;
    expect(await output()).toEqual({
      before: { pid, token: "run-token", count: 2 },
      pid,
      token: "new-token",
      attempt: 1,
    });
    expect(next.of("restored")).toEqual([
      {
        type: "restored",
        executionId: NEW,
        fence: `fence of ${NEW}`,
        checkpointId: "checkpoint_1",
        fetchMs: 1,
        restoreMs: 3,
      },
    ]);
    expect(new Set(next.sent.map((each) => "executionId" in each && each.executionId))).toEqual(new Set([NEW]));
    expect(next.startedAt).toBeGreaterThan(0);
    expect(lines(first)).toEqual(["before"]);
    expect(lines(next)).toEqual(["after"]);
    expect(next.events.find(({ kind }) => kind === "event")?.message).toContain("goes on at its next line");
    await expect.poll(() => existsSync(stopped.memo.until)).toBe(false);
    // What it said of its wait before it knew better parked nothing.
    expect(next.of("park")).toEqual([]);
  });

  test("waits again, and again in the process that came back", async () => {
    await store("twice");
    bringBack("twice");
    bringing.resolve();
    const park = await next.request("park");
    expect(park).toMatchObject({ executionId: NEW, known: 1, mode: "hold" });
    await next.until(() => execution.isParked);
    journal.passTime();
    expect(await output()).toBe("done");
    expect(next.of("complete")[0]?.usage.cpuMs).toBeGreaterThanOrEqual(0);
  });

  test("stays stopped until the platform has answered, however long that takes", async () => {
    await store("waits");
    bringBack("waits");
    next.onRequest = ({ type }) => (type === "restored" ? "silence" : undefined);
    bringing.resolve();
    await next.request("restored");
    const { pid } = stopped.memo;
    // Several times what it takes to go on.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(stateOf(pid)).toBe("T");
    next.answer({ restored: { granted: true } });
    expect(await output()).toMatchObject({ pid, attempt: 1 });
  });

  test("misses nothing where the platform had news while it was asked", async () => {
    await store("waits");
    bringBack("waits");
    next.onRequest = ({ type }) => (type === "restored" ? "silence" : undefined);
    bringing.resolve();
    await next.request("restored");
    execution.news();
    next.answer({ restored: { granted: true } });
    execution.news();
    expect(await output()).toMatchObject({ pid: stopped.memo.pid });
  });

  test("is heard though its function ended before it knew its new name", async () => {
    await store("ends-by-itself");
    // While it is stopped: it sees this when it goes on, before it has connected again.
    await writeFile(join(dir, "its-time"), "");
    journal.snapshot();
    const restore = { checkpointId: "checkpoint_1", known: 0 } as RestoreGrant;
    execution = next.execution(grant("ends-by-itself", NEW, { restore, journal: journal.snapshot() }));
    bringing.resolve();
    expect(await output()).toBe("its own timer");
  });

  test("may lose its connection, and goes on under its new name", async () => {
    await store("cuts");
    bringBack("cuts");
    bringing.resolve();
    await next.request("park");
    await next.until(() => execution.isParked);
    journal.passTime();
    expect(await output()).toBe("done");
  });

  test("is followed by a fresh process where the attempt is retried in place", async () => {
    await store("fails");
    next.onComplete = ({ outcome: { kind } }) => {
      if (kind !== "failed") return { kind: "done", status: "COMPLETED" };
      const { journal: _, ...fresh } = grant("fails", NEW, { attempt: 2 });
      return { kind: "retryInPlace", delayMs: 1, grant: fresh };
    };
    bringBack("fails");
    bringing.resolve();
    const failed = await next.request("complete", ({ attempt }) => attempt === 1);
    expect(failed.outcome).toMatchObject({ kind: "failed", error: { message: `pid ${stopped.memo.pid}` } });
    const second = await next.request("complete", ({ attempt }) => attempt === 2);
    const { pid } = JSON.parse((second.outcome as { output: string }).output).json;
    expect(pid).not.toBe(stopped.memo.pid);
    expect(next.of("restored").length).toBe(1);
  });
});

describe("where something comes between", () => {
  test("a failure to bring it back is told with the node, and costs nothing", async () => {
    await store("waits");
    bringBack("waits");
    bringing.reject(new Error("chunk 3 is gone"));
    expect(await outcome()).toEqual({ kind: "notRestored", reason: "chunk 3 is gone", node: "node-here" });
    expect(next.of("restored")).toEqual([]);
    expect(next.ended).toEqual([NEW]);
  });

  test.each(["CHECKPOINT_SPENT", "EXECUTION_FENCED"])(
    "%s: the process is ended, and nothing more is said",
    async (code) => {
      await store("waits");
      bringBack("waits");
      next.onRequest = ({ type }) =>
        type === "restored" ? { error: { code, message: "no", retryable: false } } : undefined;
      bringing.resolve();
      await next.until(() => next.ended.length > 0);
      await gone(stopped.memo.pid);
      expect(next.sent.map(({ type }) => type)).toEqual(["restored"]);
      expect(lines(next)).toEqual([]);
    },
  );

  test("any other no ends the process, and has it tried elsewhere", async () => {
    await store("waits");
    bringBack("waits");
    next.onRequest = ({ type }) =>
      type === "restored" ? { error: { code: "INTERNAL", message: "a fault", retryable: false } } : undefined;
    bringing.resolve();
    expect(await outcome()).toMatchObject({ kind: "notRestored", reason: expect.stringContaining("a fault") });
    await gone(stopped.memo.pid);
  });

  test("a drain before the platform was asked gives the run back, with the process where it was", async () => {
    await store("waits");
    bringBack("waits");
    execution.drain("The worker drains", 10_000);
    expect(await outcome()).toEqual({ kind: "returned", reason: "The worker drains" });
    bringing.resolve();
    expect(next.of("restored")).toEqual([]);
    expect(stateOf(stopped.memo.pid)).toBe("T");
  });

  test("a drain while the platform is asked reaches the process", async () => {
    await store("drained");
    bringBack("drained");
    next.onRequest = ({ type }) => (type === "restored" ? "silence" : undefined);
    bringing.resolve();
    await next.request("restored");
    execution.drain("The worker drains", 10_000);
    next.answer({ restored: { granted: true } });
    expect(await output()).toBe("DRAINING");
  });

  test("a shutdown while the platform is asked ends the process, and gives the run back", async () => {
    await store("waits");
    bringBack("waits");
    next.onRequest = ({ type }) => (type === "restored" ? "silence" : undefined);
    bringing.resolve();
    await next.request("restored");
    execution.giveBack("The worker was told to shut down");
    expect(await outcome()).toMatchObject({ kind: "returned" });
    next.answer({ restored: { granted: true } });
    await gone(stopped.memo.pid);
    expect(lines(next)).toEqual([]);
  });

  test("a cancel before the platform was asked ends the run without the process", async () => {
    await store("cancelable");
    bringBack("cancelable");
    execution.cancel("changed my mind");
    expect(await outcome()).toEqual({ kind: "canceled" });
    expect(next.of("restored")).toEqual([]);
  });

  test("a cancel while the platform is asked reaches the process and its hooks", async () => {
    await store("cancelable");
    bringBack("cancelable");
    next.onRequest = ({ type }) => (type === "restored" ? "silence" : undefined);
    bringing.resolve();
    await next.request("restored");
    execution.cancel("changed my mind");
    next.answer({ restored: { granted: true } });
    expect(await outcome()).toEqual({ kind: "canceled" });
    expect(lines(next)).toContain("heard of it");
  });

  test("a cancel after it went on reaches the process", async () => {
    await store("cancelable");
    bringBack("cancelable");
    bringing.resolve();
    await next.until(() => next.startedAt);
    execution.cancel("changed my mind");
    expect(await outcome()).toEqual({ kind: "canceled" });
  });

  test("a fence ends the process, whatever the platform answers then", async () => {
    await store("waits");
    bringBack("waits");
    next.onRequest = ({ type }) => (type === "restored" ? "silence" : undefined);
    bringing.resolve();
    await next.request("restored");
    execution.drop();
    next.answer({ restored: { granted: true } });
    await gone(stopped.memo.pid);
    expect(next.of("complete")).toEqual([]);
    expect(lines(next)).toEqual([]);
  });

  test.each([
    ["granted", { restored: { granted: true } as const }, ["crashed"]],
    ["refused", { error: { code: "EXECUTION_FENCED", message: "no", retryable: false } }, []],
  ])("a process that dies while the platform is asked, and is %s", async (_how, answer, want) => {
    await store("waits");
    bringBack("waits");
    next.onRequest = ({ type }) => (type === "restored" ? "silence" : undefined);
    bringing.resolve();
    await next.request("restored");
    process.kill(stopped.memo.pid, "SIGKILL");
    await gone(stopped.memo.pid);
    // Its parent is looked at every few milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 50));
    next.answer(answer);
    await next.until(() => next.ended.length > 0);
    expect(next.of("complete").map(({ outcome: { kind } }) => kind)).toEqual(want);
  });
});
