import { afterEach, describe, expect, test } from "vitest";
import { grantOf } from "./support/fake-platform.ts";
import { RunnerProcess } from "./support/runner-process.ts";

let runner: RunnerProcess;
afterEach(() => runner.stop());

const TASKS = `
  import { task } from "@gantry/sdk/task";
  import { createRequire } from "node:module";
  task({ id: "double", run: async (payload: { n: number }) => ({ twice: payload.n * 2 }) });
  task({ id: "talk", run: async () => { console.log("by console"); process.stdout.write("by stdout\\n"); process.stderr.write("no newline"); } });
  task({ id: "throw", run: async () => { throw new TypeError("no such thing"); } });
  task({ id: "exit", run: async () => { console.log("before exit"); process.exit(3); } });
  task({ id: "exit-0", run: async () => { process.exit(0); } });
  task({ id: "kill-9", run: async () => { console.log("before kill"); process.kill(process.pid, "SIGKILL"); await new Promise((r) => setTimeout(r, 60_000)); } });
  task({ id: "segfault", run: async () => { process.kill(process.pid, "SIGSEGV"); await new Promise((r) => setTimeout(r, 60_000)); } });
  task({ id: "heap", run: async () => { const all: unknown[] = []; for (;;) all.push(new Array(10_000).fill(all.length)); } });
  task({ id: "rss", run: async () => { const all: Buffer[] = []; for (;;) { all.push(Buffer.alloc(20_000_000, 1)); await new Promise((r) => setTimeout(r, 20)); } } });
  task({ id: "reject", run: async () => { void Promise.reject(new Error("nobody awaited")); await new Promise((r) => setTimeout(r, 60_000)); } });
  task({ id: "uncaught", run: async () => { setTimeout(() => { throw new RangeError("in a timer"); }, 1); await new Promise((r) => setTimeout(r, 60_000)); } });
  task({ id: "never", run: async () => { await new Promise(() => {}); } });
  task({ id: "await-signal", run: async (_: unknown, { signal }: any) => { await new Promise((resolve) => signal.addEventListener("abort", resolve)); return "told"; } });
  task({ id: "env", run: async () => ({ gantry: Object.keys(process.env).filter((name) => /^GANTRY_(WORKER|TASK|BUNDLE|RUNS)/.test(name)), mine: process.env.MINE, cwd: process.cwd() }) });
`;

/** Grants the task and returns how its attempt ended. */
async function outcomeOf(taskId: string, overrides: Parameters<typeof grantOf>[1] = {}) {
  const grant = grantOf(taskId, overrides);
  await runner.platform.message("capacity");
  runner.platform.grant(grant);
  return { grant, outcome: await runner.platform.outcome(grant.executionId) };
}

describe("an attempt", () => {
  test("runs in a process of its own, and its result and usage are reported", async () => {
    runner = await RunnerProcess.start(TASKS);
    const { grant, outcome } = await outcomeOf("double", { payload: { n: 21 } });
    expect(outcome).toMatchObject({ kind: "completed", output: expect.stringContaining('"twice":42') });
    const { usage, fence } = await runner.platform.message("complete");
    expect(fence).toBe(grant.fence);
    expect(usage.computeMs).toBeGreaterThan(0);
    expect(usage.cpuMs).toBeGreaterThan(0);
    expect(usage.maxRssBytes).toBeGreaterThan(10_000_000);
  });

  test("has its output stored before its outcome is, the last line without a newline too", async () => {
    runner = await RunnerProcess.start(TASKS);
    const { grant } = await outcomeOf("talk");
    const lines = runner.platform.events(grant.executionId).map((event) => event.message);
    expect(lines).toEqual(expect.arrayContaining(["by console", "by stdout", "no newline"]));
    const types = runner.platform.received.map((message) => message.type);
    expect(types.lastIndexOf("events")).toBeLessThan(types.indexOf("complete"));
  });

  test("sees the user's environment and folder, and none of the runner's variables", async () => {
    runner = await RunnerProcess.start(TASKS, { env: { MINE: "yes" } });
    const { outcome } = await outcomeOf("env");
    if (outcome.kind !== "completed") throw new Error("not completed");
    expect(JSON.parse(outcome.output ?? "").json).toMatchObject({
      gantry: [],
      mine: "yes",
      cwd: expect.stringContaining("gantry-test-"),
    });
  });

  const endings: Record<string, { task: string; wantOutcome: object; wantLine?: string }> = {
    "an error of the function's": {
      task: "throw",
      wantOutcome: {
        kind: "failed",
        retry: { by: "policy" },
        error: { name: "TypeError", message: "no such thing", stack: expect.stringContaining("tasks.ts:") },
      },
    },
    "process.exit with a code, and where it was called": {
      task: "exit",
      wantOutcome: {
        kind: "crashed",
        reason: "EXIT",
        exitCode: 3,
        error: { code: "TASK_PROCESS_EXITED", stack: expect.stringContaining("tasks.ts:") },
      },
      wantLine: "before exit",
    },
    "process.exit with 0 before the function returned": {
      task: "exit-0",
      wantOutcome: {
        kind: "crashed",
        reason: "EXIT",
        exitCode: 0,
        error: { message: expect.stringContaining("process.exit was called") },
      },
    },
    "kill -9 of the process": {
      task: "kill-9",
      wantOutcome: { kind: "crashed", reason: "SIGNAL", signal: "SIGKILL", error: { code: "TASK_PROCESS_SIGNAL" } },
      wantLine: "before kill",
    },
    "a segmentation fault": { task: "segfault", wantOutcome: { kind: "crashed", reason: "SIGNAL", signal: "SIGSEGV" } },
    "a rejection that nobody awaited": {
      task: "reject",
      wantOutcome: { kind: "failed", error: { message: "nobody awaited" } },
    },
    "an exception in a timer": {
      task: "uncaught",
      wantOutcome: { kind: "failed", error: { name: "RangeError", message: "in a timer" } },
    },
  };
  test.each(Object.entries(endings))(
    "that ends by %s is reported as that",
    async (_sentence, { task, wantOutcome, wantLine }) => {
      runner = await RunnerProcess.start(TASKS);
      const { grant, outcome } = await outcomeOf(task);
      expect(outcome).toMatchObject(wantOutcome);
      if (wantLine !== undefined)
        expect(runner.platform.events(grant.executionId).map((event) => event.message)).toContain(wantLine);
      // The runner is well: the next run gets a fresh process.
      expect((await outcomeOf("double", { payload: { n: 1 } })).outcome.kind).toBe("completed");
    },
  );

  test("that fills V8's heap is out of memory, and the error names the preset", async () => {
    runner = await RunnerProcess.start(TASKS);
    const { outcome } = await outcomeOf("heap", { machine: { name: "micro", cpu: 0.25, memory: 0.1 } });
    expect(outcome).toMatchObject({
      kind: "crashed",
      reason: "OUT_OF_MEMORY",
      error: { code: "OUT_OF_MEMORY", message: expect.stringContaining("micro") },
    });
  });

  test.runIf(process.platform === "linux")(
    "that uses more memory than its preset outside V8's heap is out of memory",
    async () => {
      runner = await RunnerProcess.start(TASKS);
      const { outcome } = await outcomeOf("rss", { machine: { name: "micro", cpu: 0.25, memory: 0.2 } });
      expect(outcome).toMatchObject({
        kind: "crashed",
        reason: "OUT_OF_MEMORY",
        error: { message: expect.stringMatching(/it used \d+ MB/) },
      });
    },
  );

  test("that nothing can resume fails with the reason, and one that waits for its signal is left alone", async () => {
    runner = await RunnerProcess.start(TASKS, { env: { GANTRY_WORKER_STALLED_AFTER_MS: "200" } });
    const waiting = grantOf("await-signal");
    await runner.platform.message("capacity");
    runner.platform.grant(waiting);
    const { outcome } = await outcomeOf("never");
    expect(outcome).toMatchObject({
      kind: "failed",
      error: { code: "NEVER_SETTLES", message: expect.stringContaining("can never finish") },
    });
    expect(runner.platform.of("complete").some((each) => each.executionId === waiting.executionId)).toBe(false);
    runner.platform.push({ type: "cancel", executionId: waiting.executionId });
    expect((await runner.platform.outcome(waiting.executionId)).kind).toMatch(/canceled|completed/);
  });
});

describe("a bundle that cannot be imported", () => {
  const bundles: Record<string, { source: string; bootTimeoutMs?: number; wantError: object }> = {
    "because it throws": {
      source: `const settings: any = undefined; export const x = settings.missing.deeply;`,
      wantError: {
        code: "BOOT_FAILED",
        message: expect.stringContaining("TypeError"),
        stack: expect.stringContaining("tasks.ts:1"),
        cause: { name: "TypeError" },
      },
    },
    "because it exits": {
      source: `console.error("no licence"); process.exit(4);`,
      wantError: { code: "BOOT_FAILED", message: expect.stringContaining("code 4"), stack: "no licence" },
    },
    "because a rejection is left alone": {
      source: `void Promise.reject(new Error("top-level")); await new Promise((r) => setTimeout(r, 60_000));`,
      wantError: { message: expect.stringContaining("top-level") },
    },
    "because it does not come to an end": {
      source: `await new Promise((r) => setTimeout(r, 60_000));`,
      bootTimeoutMs: 500,
      wantError: { message: expect.stringContaining("still importing") },
    },
  };
  test.each(Object.entries(bundles))(
    "%s fails the waiting run with the reason",
    async (_sentence, { source, bootTimeoutMs = 60_000, wantError }) => {
      runner = await RunnerProcess.start(source, { env: { GANTRY_WORKER_BOOT_TIMEOUT_MS: String(bootTimeoutMs) } });
      const { outcome } = await outcomeOf("any");
      expect(outcome).toMatchObject({ kind: "crashed", reason: "BOOT_FAILED", error: wantError });
    },
  );

  test("is not booted in a loop, and the reason is logged once", async () => {
    runner = await RunnerProcess.start(
      `import { appendFileSync } from "node:fs"; appendFileSync("boots", "x"); throw new Error("broken");`,
    );
    const first = await outcomeOf("any");
    expect(first.outcome).toMatchObject({ reason: "BOOT_FAILED" });
    const rest = await Promise.all(Array.from({ length: 20 }, () => outcomeOf("any")));
    for (const { outcome } of rest)
      expect(outcome).toMatchObject({ reason: "BOOT_FAILED", error: { message: expect.stringContaining("broken") } });
    expect((await runner.read("boots")).length).toBeLessThanOrEqual(3);
    expect(runner.output.match(/cannot be booted/g)?.length).toBe(1);
  });
});
