import { rm } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";
import { grantOf } from "./support/fake-platform.ts";
import { gone, isAlive } from "./support/processes.ts";
import { type RunnerOptions, RunnerProcess } from "./support/runner-process.ts";

let runner: RunnerProcess;
afterEach(() => runner.stop());

const TASKS = `
  import { task, } from "@gantry/sdk/task";
  import { existsSync, watch } from "node:fs";
  const seen = (name: string) => new Promise<void>((resolve) => {
    const look = () => { if (existsSync(name)) { clearInterval(timer); resolve(); } };
    const timer = setInterval(look, 10);
  });
  task({ id: "gate", run: async ({ name }: { name: string }) => { console.log("pid " + process.pid); await seen(name); console.log("passed"); return process.pid; } });
  task({ id: "flaky", run: async (_: unknown, { ctx }: any) => { if (ctx.attempt.number < 3) throw new Error("attempt " + ctx.attempt.number); return process.pid; } });
  task({ id: "quick", run: async () => process.pid });
  task({ id: "echo", run: async (payload: { text: string }) => payload.text + payload.text + payload.text });
`;

async function begin(taskId: string, overrides: Parameters<typeof grantOf>[1] = {}, options: RunnerOptions = {}) {
  runner = await RunnerProcess.start(TASKS, options);
  await runner.platform.message("capacity");
  return grantMore(taskId, overrides);
}

function grantMore(taskId: string, overrides: Parameters<typeof grantOf>[1] = {}) {
  const grant = grantOf(taskId, overrides);
  runner.platform.grant(grant);
  return grant;
}

async function pidOf(executionId: string): Promise<number> {
  const { message } = await runner.platform.event(executionId, "pid ");
  return Number(message.split(" ")[1]);
}

describe("while the platform is away", () => {
  test("runs go on, and their results are delivered when it is back", async () => {
    const { executionId } = await begin("gate", { payload: { name: "go" } });
    await pidOf(executionId);
    await runner.platform.goAway();
    await runner.write("go", "");
    await runner.platform.listen();
    const outcome = await runner.platform.outcome(executionId);
    expect(outcome).toMatchObject({ kind: "completed" });
    expect(runner.platform.events(executionId).map((event) => event.message)).toContain("passed");
    const [, again] = runner.platform.of("hello");
    expect(again?.executions).toEqual([{ executionId, fence: "7.1" }]);
  });

  test("a request without an answer is sent again with its id, in order, until it is answered", async () => {
    runner = await RunnerProcess.start(TASKS);
    let isSilent = true;
    runner.platform.onRequest = (message) => (isSilent && message.type !== "hello" ? "silence" : undefined);
    await runner.platform.message("capacity");
    const { executionId } = grantMore("gate", { payload: { name: "." } });
    await runner.platform.message("complete");
    const before = runner.platform.received.length;
    isSilent = false;
    runner.platform.disconnect();
    await runner.platform.until(() =>
      runner.platform.received.slice(before).some((message) => message.type === "complete"),
    );
    const [first, second] = runner.platform.of("complete");
    expect(second).toEqual(first);
    const resent = runner.platform.received
      .slice(before)
      .filter((message) => message.type === "events" || message.type === "complete");
    expect(resent.map((message) => message.type).at(-1)).toBe("complete");
    expect(runner.platform.events(executionId).map((event) => event.message)).toContain("passed");
  });

  test("a request that the platform cannot carry out now is sent again", async () => {
    runner = await RunnerProcess.start(TASKS);
    let refusals = 3;
    runner.platform.onRequest = (message) =>
      message.type === "complete" && refusals-- > 0
        ? { error: { code: "STORE_UNAVAILABLE", message: "away", retryable: true } }
        : undefined;
    await runner.platform.message("capacity");
    grantMore("quick");
    await runner.platform.until(() => runner.platform.of("complete").length === 4);
    // Nothing is left: the runner ends without giving anything back.
    runner.child.kill("SIGINT");
    expect((await runner.exited).code).toBe(0);
  });

  test("for longer than maxOffline, processes are ended", async () => {
    runner = await RunnerProcess.start(TASKS, {});
    runner.platform.maxOfflineMs = 500;
    runner.platform.heartbeatMs = 100;
    await runner.platform.message("capacity");
    const { executionId } = grantMore("gate", { payload: { name: "never" } });
    const pid = await pidOf(executionId);
    await runner.platform.goAway();
    await gone(pid);
    await runner.platform.listen();
    const hello = await runner.platform.until(() => runner.platform.of("hello")[1]);
    expect(hello.executions).toEqual([]);
  });

  test("a runner with nothing to do ends", async () => {
    runner = await RunnerProcess.start(TASKS, { env: { GANTRY_WORKER_IDLE_OFFLINE_MS: "100" } });
    await runner.platform.message("capacity");
    await runner.platform.goAway();
    expect((await runner.exited).code).toBe(0);
  });
});

describe("fencing", () => {
  test("by the welcome ends the process, and nothing more is said of the execution", async () => {
    const { executionId } = await begin("gate", { payload: { name: "never" } });
    const pid = await pidOf(executionId);
    runner.platform.onHello = () => [executionId];
    runner.platform.disconnect();
    await gone(pid);
    await runner.platform.until(() => runner.platform.of("heartbeat").at(-1)?.executions.length === 0);
    expect(runner.platform.of("complete")).toEqual([]);
  });

  test("by a heartbeat's answer does the same", async () => {
    const { executionId } = await begin("gate", { payload: { name: "never" } });
    const pid = await pidOf(executionId);
    runner.platform.onHeartbeat = () => ({ fenced: [executionId], cancel: [] });
    await gone(pid);
    expect(runner.platform.of("complete")).toEqual([]);
  });
});

describe("a retry in place", () => {
  test("runs the next attempt with its own grant in a fresh process, and beats on meanwhile", async () => {
    runner = await RunnerProcess.start(TASKS);
    const grant = grantOf("flaky", { fence: "9.1" });
    runner.platform.onComplete = ({ attempt, outcome }) =>
      outcome.kind === "failed"
        ? { kind: "retryInPlace", delayMs: 300, grant: { ...grant, attempt: attempt + 1 } }
        : { kind: "done", status: "COMPLETED" };
    await runner.platform.message("capacity");
    runner.platform.grant(grant);
    expect(await runner.platform.outcome(grant.executionId, 3)).toMatchObject({ kind: "completed" });
    const outcomes = runner.platform.of("complete").map(({ attempt, outcome }) => [attempt, outcome.kind]);
    expect(outcomes).toEqual([
      [1, "failed"],
      [2, "failed"],
      [3, "completed"],
    ]);
    expect(runner.platform.of("heartbeat").some((beat) => beat.executions[0]?.executionId === grant.executionId)).toBe(
      true,
    );
  });

  test("that is still to come is given up by a cancel", async () => {
    runner = await RunnerProcess.start(TASKS);
    const grant = grantOf("flaky");
    runner.platform.onComplete = ({ outcome }) =>
      outcome.kind === "failed"
        ? { kind: "retryInPlace", delayMs: 60_000, grant: { ...grant, attempt: 2 } }
        : { kind: "done", status: "CANCELED" };
    await runner.platform.message("capacity");
    runner.platform.grant(grant);
    await runner.platform.outcome(grant.executionId, 1);
    runner.platform.push({ type: "cancel", executionId: grant.executionId });
    expect(await runner.platform.outcome(grant.executionId, 2)).toEqual({ kind: "canceled" });
  });
});

describe("what is large or said twice", () => {
  test("a payload of 3 MB and an output of 9 MB pass, quotes and line breaks and all", async () => {
    const text = '"\\n\\u0000é'.repeat(300_000).slice(0, 2_900_000);
    const { executionId } = await begin("echo", { payload: { text } });
    const outcome = await runner.platform.outcome(executionId);
    expect(outcome).toMatchObject({ kind: "completed", outputType: "text/plain" });
    expect(outcome.kind === "completed" && outcome.output === text + text + text).toBe(true);
  });

  test("an output that the platform refuses fails the attempt with the refusal, for good", async () => {
    runner = await RunnerProcess.start(TASKS);
    const error = { code: "OUTPUT_TOO_LARGE", message: "The output has 11 MB; the limit is 10 MB.", retryable: false };
    runner.platform.onRequest = (message) =>
      message.type === "complete" && message.outcome.kind === "completed" ? { error } : undefined;
    await runner.platform.message("capacity");
    const { executionId } = grantMore("quick");
    const failed = await runner.platform.message("complete", (each) => each.outcome.kind === "failed");
    expect(failed).toMatchObject({
      executionId,
      outcome: { error: { code: "OUTPUT_TOO_LARGE", message: error.message }, retry: { by: "never" } },
    });
  });

  test("a grant that comes twice runs once", async () => {
    const grant = await begin("gate", { payload: { name: "go" } });
    runner.platform.grant(grant, grant);
    await pidOf(grant.executionId);
    await runner.write("go", "");
    await runner.platform.outcome(grant.executionId);
    runner.child.kill("SIGTERM");
    await runner.exited;
    expect(runner.platform.of("complete")).toHaveLength(1);
    expect(runner.platform.of("started")).toHaveLength(1);
  });
});

describe("processes that are kept alive", () => {
  test("take one run after another", async () => {
    const env = { GANTRY_PROCESS_KEEP_ALIVE: "true", GANTRY_WORKER_CONCURRENCY: "1", GANTRY_WORKER_POOL: "1" };
    runner = await RunnerProcess.start(TASKS, { env });
    await runner.platform.message("capacity");
    const pids = new Set<string>();
    for (let i = 0; i < 5; i++) {
      const { executionId } = grantMore("quick");
      const outcome = await runner.platform.outcome(executionId);
      pids.add(outcome.kind === "completed" ? (outcome.output ?? "") : outcome.kind);
    }
    // Beside the one at work another may have been booted ahead; without keep-alive five runs have five processes.
    expect(pids.size).toBeLessThanOrEqual(2);
  });

  test("are not kept without the option: each run has a process of its own", async () => {
    runner = await RunnerProcess.start(TASKS);
    await runner.platform.message("capacity");
    const grants = Array.from({ length: 6 }, () => grantOf("quick"));
    runner.platform.grant(...grants);
    const outcomes = await Promise.all(grants.map(({ executionId }) => runner.platform.outcome(executionId)));
    const pids = outcomes.map((outcome) => (outcome.kind === "completed" ? outcome.output : outcome.kind));
    expect(new Set(pids).size).toBe(6);
  });
});

describe("a runner that must go", () => {
  test("on SIGTERM lets runs finish, takes no new ones, and exits", async () => {
    const { executionId } = await begin("gate", { payload: { name: "go" } });
    await pidOf(executionId);
    runner.child.kill("SIGTERM");
    await runner.platform.message("capacity", (each) => each.free === 0);
    const late = grantMore("quick");
    expect(await runner.platform.outcome(late.executionId)).toMatchObject({ kind: "returned" });
    await runner.write("go", "");
    expect(await runner.platform.outcome(executionId)).toMatchObject({ kind: "completed" });
    expect((await runner.exited).code).toBe(0);
  });

  test("gives back what has not finished within the grace", async () => {
    const { executionId } = await begin(
      "gate",
      { payload: { name: "never" } },
      { env: { GANTRY_WORKER_DRAIN_GRACE_MS: "200" } },
    );
    const pid = await pidOf(executionId);
    runner.platform.push({ type: "drain" });
    expect(await runner.platform.outcome(executionId)).toMatchObject({ kind: "returned" });
    expect((await runner.exited).code).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  test("on SIGINT or shutdown gives everything back and exits now", async () => {
    const { executionId } = await begin("gate", { payload: { name: "never" } });
    await pidOf(executionId);
    runner.child.kill("SIGINT");
    expect(await runner.platform.outcome(executionId)).toMatchObject({ kind: "returned" });
    expect((await runner.exited).code).toBe(0);
  });

  test.each([401, 403, 410])("exits when the platform answers %d", async (status) => {
    const { executionId } = await begin("gate", { payload: { name: "never" } });
    const pid = await pidOf(executionId);
    runner.platform.refuseWith = status;
    runner.platform.disconnect();
    expect((await runner.exited).code).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  test("exits when its bundle's folder is gone", async () => {
    runner = await RunnerProcess.start(TASKS);
    await runner.platform.message("capacity");
    await rm(runner.bundleDir, { recursive: true });
    expect((await runner.exited).code).toBe(0);
  });

  test("that is killed leaves no task process behind", async () => {
    const { executionId } = await begin("gate", { payload: { name: "never" } });
    const pid = await pidOf(executionId);
    runner.child.kill("SIGKILL");
    await gone(pid);
  });
});
