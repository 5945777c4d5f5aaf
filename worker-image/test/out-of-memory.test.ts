import { readFile } from "node:fs/promises";
import { MACHINE_PRESETS } from "@gantry/sdk/contract";
import { afterEach, describe, expect, test } from "vitest";
import { grantOf, startOf } from "./support/fake-platform.ts";
import { MemoryCgroup } from "./support/memory-cgroup.ts";
import { RunnerProcess } from "./support/runner-process.ts";

let runner: RunnerProcess;
let container: MemoryCgroup | undefined;
afterEach(async () => {
  await runner.stop();
  container?.remove();
});

const TASKS = `
  import { task } from "@gantry/sdk/task";
  import { spawn } from "node:child_process";
  task({ id: "wait", run: async () => { console.log("pid " + process.pid); await new Promise((resolve) => setTimeout(resolve, 60_000)); } });
  task({ id: "buffers", run: async () => { const kept: Buffer[] = []; for (;;) { kept.push(Buffer.alloc(10_000_000, 1)); await null; } } });
  task({ id: "slowly", run: async () => { const kept: Buffer[] = []; for (;;) { kept.push(Buffer.alloc(2_000_000, 1)); await new Promise((resolve) => setTimeout(resolve, 20)); } } });
  task({ id: "heap", run: async () => { const kept: unknown[] = []; for (let i = 0; ; i++) kept.push({ i, text: "x" + i, more: [i] }); } });
  task({ id: "child", run: async () => {
    const child = spawn(process.execPath, ["-e", "const kept = []; for (;;) kept.push(Buffer.alloc(10e6, 1))"], { stdio: "ignore" });
    const [code, signal] = await new Promise<unknown[]>((resolve) => child.once("exit", (...end) => resolve(end)));
    return { code, signal };
  } });
`;

/** A pod of the preset, its memory limited as Kubernetes does. */
async function startRun(taskId: string, preset: "micro" | "small-1x" = "small-1x"): Promise<string> {
  const machine = MACHINE_PRESETS[preset];
  const env = { GANTRY_WORKER_MACHINE: `${machine.name}:${machine.cpu}:${machine.memory}` };
  runner = await RunnerProcess.start(TASKS, { isPod: true, isStarted: false, env });
  runner.platform.onStart = () => startOf({ machine });
  container = MemoryCgroup.make(machine.memory * 1e9);
  runner.spawn(container);
  await runner.platform.message("capacity");
  const grant = grantOf(taskId, { machine });
  runner.platform.grant(grant);
  return grant.executionId;
}

describe.runIf(MemoryCgroup.isPossible)("a container that is full", () => {
  test.each(["micro", "small-1x"] as const)(
    "has the kernel kill the task's process of %s, and the runner tells",
    async (preset) => {
      const executionId = await startRun("buffers", preset);
      const megabytes = MACHINE_PRESETS[preset].memory * 1000;
      expect(await runner.platform.outcome(executionId)).toMatchObject({
        kind: "crashed",
        reason: "OUT_OF_MEMORY",
        signal: "SIGKILL",
        error: {
          code: "OOM_KILLED",
          message: expect.stringContaining(`${megabytes} MB of the machine preset ${preset}`),
        },
      });
      expect(await runner.exited).toEqual({ code: 0, signal: null });
    },
  );

  test("is the kernel's to notice, however slowly it fills: the runner's own count has more than the limit's", async () => {
    const executionId = await startRun("slowly", "micro");
    expect(await runner.platform.outcome(executionId)).toMatchObject({ error: { code: "OOM_KILLED" } });
  });

  test.each(["micro", "small-1x"] as const)(
    "by its heap is told too, by V8 or by the kernel, on %s",
    async (preset) => {
      const executionId = await startRun("heap", preset);
      expect(await runner.platform.outcome(executionId)).toMatchObject({
        kind: "crashed",
        reason: "OUT_OF_MEMORY",
        error: {
          code: expect.stringMatching(/^(OOM_KILLED|OUT_OF_MEMORY)$/),
          message: expect.stringContaining(preset),
        },
      });
      expect((await runner.exited).code).toBe(0);
    },
  );

  test("loses what the task started before the task and the runner", async () => {
    const executionId = await startRun("child");
    const outcome = await runner.platform.outcome(executionId);
    expect(outcome).toMatchObject({ kind: "completed", output: expect.stringContaining("SIGKILL") });
  });

  test("has the runner as its last victim", async () => {
    const executionId = await startRun("wait");
    const { message } = await runner.platform.event(executionId, "pid ");
    const score = async (pid: number) => Number(await readFile(`/proc/${pid}/oom_score_adj`, "utf8"));
    expect(await score(Number(message.split(" ")[1]))).toBe(1000);
    expect(await score(runner.child.pid as number)).toBeLessThan(1000);
  });
});
