import { afterEach, describe, expect, test } from "vitest";
import { grantOf } from "./support/fake-platform.ts";
import { gone, isAlive } from "./support/processes.ts";
import { type RunnerOptions, RunnerProcess } from "./support/runner-process.ts";

let runner: RunnerProcess;
afterEach(() => runner.stop());

const TASKS = `
  import { task } from "@gantry/sdk/task";
  import { spawn } from "node:child_process";
  const forever = () => new Promise((resolve) => setTimeout(resolve, 60_000));
  task({ id: "wait", run: forever });
  task({ id: "block", run: async () => { for (;;); } });
  task({ id: "block-a-while", run: async ({ ms }: { ms: number }) => { const end = Date.now() + ms; while (Date.now() < end); await new Promise((r) => setTimeout(r, 300)); } });
  task({ id: "ignore-sigterm", run: async () => { process.on("SIGTERM", () => console.log("ignored")); await forever(); } });
  task({ id: "cancelable", run: async (_: unknown, { signal }: any) => { console.log("began"); await new Promise((_, reject) => { setTimeout(reject, 60_000); signal.addEventListener("abort", () => reject(signal.reason)); }); } });
  task({ id: "deaf", run: async () => { console.log("began"); for (;;); } });
  task({ id: "with-child", run: async () => { const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { stdio: "ignore" }); console.log("child " + child.pid); await forever(); } });
  task({ id: "long-line", run: async () => { process.stdout.write("x".repeat(1_000_000) + "\\nnext\\n"); console.log("é".repeat(100_000)); } });
  task({ id: "flood", run: async ({ how }: { how: string }) => { for (let i = 0; i < 60_000; i++) { if (how === "console") console.log("line " + i); else process.stdout.write("line " + i + "\\n"); } } });
`;

async function begin(taskId: string, overrides: Parameters<typeof grantOf>[1] = {}, env: RunnerOptions["env"] = {}) {
  runner = await RunnerProcess.start(TASKS, { env });
  const grant = grantOf(taskId, overrides);
  await runner.platform.message("capacity");
  runner.platform.grant(grant);
  return grant;
}

describe("maxDuration", () => {
  const limit = { remainingComputeMs: 300, run: { maxDurationMs: 300 } };
  test("ends an attempt that takes longer as timed out", async () => {
    const grant = await begin("wait", limit);
    const outcome = await runner.platform.outcome(grant.executionId);
    expect(outcome).toMatchObject({
      kind: "timedOut",
      error: { code: "MAX_DURATION_EXCEEDED", message: expect.stringContaining("0.3 s") },
    });
    expect(outcome).not.toMatchObject({ error: { message: expect.stringContaining("blocked") } });
  });

  test("says so where the event loop was blocked", async () => {
    const grant = await begin("block", limit);
    expect(await runner.platform.outcome(grant.executionId)).toMatchObject({
      kind: "timedOut",
      error: { message: expect.stringMatching(/event loop had been blocked for \d/) },
    });
  });

  test("ends a process that ignores SIGTERM", async () => {
    // Time enough to begin to ignore it, and to say so.
    const longer = { remainingComputeMs: 1_000, run: { maxDurationMs: 1_000 } };
    const grant = await begin("ignore-sigterm", longer, { GANTRY_WORKER_KILL_GRACE_MS: "1000" });
    expect(await runner.platform.outcome(grant.executionId)).toMatchObject({ kind: "timedOut" });
    expect(runner.platform.events(grant.executionId).map((event) => event.message)).toContain("ignored");
  });
});

describe("a cancel", () => {
  test("reaches the function by its signal, and the attempt is canceled", async () => {
    const grant = await begin("cancelable");
    await runner.platform.event(grant.executionId, "began");
    runner.platform.push({ type: "cancel", executionId: grant.executionId, reason: "by test" });
    expect(await runner.platform.outcome(grant.executionId)).toEqual({ kind: "canceled" });
  });

  test("that comes with a heartbeat's answer does the same", async () => {
    const grant = await begin("cancelable");
    await runner.platform.event(grant.executionId, "began");
    runner.platform.onHeartbeat = () => ({ fenced: [], cancel: [grant.executionId] });
    expect(await runner.platform.outcome(grant.executionId)).toEqual({ kind: "canceled" });
  });

  test("ends a process that does not react within the grace", async () => {
    const grant = await begin("deaf", {}, { GANTRY_WORKER_CANCEL_GRACE_MS: "200" });
    await runner.platform.event(grant.executionId, "began");
    runner.platform.push({ type: "cancel", executionId: grant.executionId });
    expect(await runner.platform.outcome(grant.executionId)).toEqual({ kind: "canceled" });
  });

  test("of a run that waits for a process or for its next attempt is at once", async () => {
    const grant = await begin("wait", {}, { GANTRY_WORKER_POOL: "0", GANTRY_WORKER_BOOTS_AT_ONCE: "0" });
    runner.platform.push({ type: "cancel", executionId: grant.executionId });
    expect(await runner.platform.outcome(grant.executionId)).toEqual({ kind: "canceled" });
  });

  test.runIf(process.platform === "linux")("ends what the process had started, too", async () => {
    const grant = await begin("with-child", {}, { GANTRY_WORKER_CANCEL_GRACE_MS: "50" });
    const { message } = await runner.platform.event(grant.executionId, "child ");
    const pid = Number(message.split(" ")[1]);
    expect(isAlive(pid)).toBe(true);
    runner.platform.push({ type: "cancel", executionId: grant.executionId });
    await runner.platform.outcome(grant.executionId);
    await gone(pid);
  });
});

describe("a blocked event loop", () => {
  test("is reported while it lasts, and its end", async () => {
    const grant = await begin("block-a-while", { payload: { ms: 3_000 } }, { GANTRY_WORKER_BLOCKED_AFTER_MS: "500" });
    await runner.platform.event(grant.executionId, "has been blocked for");
    await runner.platform.event(grant.executionId, "turns again; it was blocked for");
    expect(await runner.platform.outcome(grant.executionId)).toMatchObject({ kind: "completed" });
  });
});

describe("logs", () => {
  test("a line over 64 KB is cut and says so", async () => {
    const grant = await begin("long-line");
    await runner.platform.outcome(grant.executionId);
    const events = runner.platform.events(grant.executionId);
    const cut = events.filter((event) => /\(cut: \d+ bytes, the limit is 65536\)$/.test(event.message));
    expect(cut).toHaveLength(2);
    for (const event of cut) expect(Buffer.byteLength(event.message)).toBeLessThan(66_000);
    expect(cut.find((event) => event.kind === "stdout")?.message).toContain("1000000 bytes");
    expect(events.map((event) => event.message)).toContain("next");
  });

  test.each(["console", "stdout"])("over 50,000 lines by %s end with one LOGS_TRUNCATED", async (how) => {
    const grant = await begin("flood", { payload: { how } });
    expect(await runner.platform.outcome(grant.executionId)).toMatchObject({ kind: "completed" });
    const events = runner.platform.events(grant.executionId);
    expect(events).toHaveLength(50_001);
    expect(events.filter((event) => event.message.startsWith("LOGS_TRUNCATED"))).toHaveLength(1);
    expect(events.at(-1)?.message).toMatch(/^LOGS_TRUNCATED/);
  });
});
