import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { descendants, livingOf } from "../../.make/demo/processes.mjs";
import { eventually } from "../support/eventually.ts";
import type { FaultProject } from "./support/fault-project.ts";
import { triggerMixed } from "./support/mixed-runs.ts";
import type { PlatformProcess } from "./support/platform-process.ts";
import { SeededRandom } from "./support/seeded-random.ts";
import { stage } from "./support/stage.ts";

/** The living runner; after a kill there is none for a moment. */
const runnerOf = (platform: PlatformProcess) =>
  eventually("a runner", async () => (await livingOf(await platform.runners()))[0]);
/** The process in which the run's function began for the nth time. */
const begun = (project: FaultProject, runId: string, nth: number) =>
  eventually(
    `the start ${nth} of ${runId}`,
    async () => (await project.effects(runId)).filter(({ what }) => what === "begin")[nth - 1],
  );
const kill = (pid: number) => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
};

test("runners and task processes that are killed again and again lose no run, and each ends once", async () => {
  const random = SeededRandom.ofTest();
  const { project, platform, api, history } = await stage();
  const held = await api.trigger("gate", { gate: "open" });
  await begun(project, held, 1);
  const triggered = triggerMixed(api, random, { count: 80, overMs: 8_000 });
  for (let kills = 0; kills < 10; kills++) {
    await pause(random.between(200, 1_200));
    const runner = await runnerOf(platform);
    const taskProcesses = (await descendants(runner)).filter((pid) => pid !== runner);
    kill(kills % 4 === 3 || taskProcesses.length === 0 ? runner : random.pick(taskProcesses));
  }
  const wanted = await triggered;
  await project.open("open");
  wanted.set(held, "COMPLETED");
  await api.untilIdle(120_000);
  expect(await history.violations(wanted)).toEqual([]);
  expect((await history.rowOf(held)).platform_losses).toBeGreaterThan(0);
}, 240_000);

test("a killed task process is a crash that costs an attempt; a killed runner is a loss that costs none", async () => {
  const { project, platform, api, history } = await stage();
  const run = await api.trigger("gate", { gate: "open" });
  kill((await begun(project, run, 1)).pid);
  expect(await begun(project, run, 2)).toMatchObject({ attempt: 2 });
  kill(await runnerOf(platform));
  expect(await begun(project, run, 3)).toMatchObject({ attempt: 2 });
  await project.open("open");
  await api.untilStatus(run, "COMPLETED");

  const { attempt, attempts, platform_losses } = await history.rowOf(run);
  expect({ attempt, platform_losses }).toEqual({ attempt: 2, platform_losses: 1 });
  expect(attempts.map(({ number, outcome, error }) => [number, outcome, error?.code])).toEqual([
    [1, "CRASHED", "TASK_PROCESS_SIGNAL"],
    [2, "LOST", "LEASE_EXPIRED"],
    [2, "COMPLETED", undefined],
  ]);
}, 120_000);

test("of a runner that a restarted platform has adopted and that is killed, no process stays, and its run goes on", async () => {
  const { project, platform, api, history } = await stage();
  const run = await api.trigger("gate", { gate: "open" });
  await begun(project, run, 1);
  await platform.end("SIGKILL");
  await platform.start();
  const runner = await runnerOf(platform);
  const family = await descendants(runner);
  kill(runner);
  await begun(project, run, 2);
  await eventually("the end of the killed runner's processes", async () =>
    (await livingOf(family)).length === 0 ? true : undefined,
  );
  await project.open("open");
  await api.untilStatus(run, "COMPLETED");
  expect(await history.rowOf(run)).toMatchObject({ attempt: 1, platform_losses: 1 });
}, 120_000);

test("a runner that hangs is replaced, and its run goes on in the new one", async () => {
  const { project, platform, api, history } = await stage();
  const run = await api.trigger("gate", { gate: "open" });
  await begun(project, run, 1);
  const runner = await runnerOf(platform);
  process.kill(runner, "SIGSTOP");
  await begun(project, run, 2);
  expect(await runnerOf(platform)).not.toBe(runner);
  await project.open("open");
  await api.untilStatus(run, "COMPLETED");
  expect(await history.rowOf(run)).toMatchObject({ attempt: 1 });
}, 120_000);
