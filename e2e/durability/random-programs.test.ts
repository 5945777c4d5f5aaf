import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { descendants, livingOf } from "../../.make/demo/processes.mjs";
import { KillablePostgres } from "../faults/support/killable-postgres.ts";
import { SeededRandom } from "../faults/support/seeded-random.ts";
import type { Outcome, Program } from "./fixtures/programs.ts";
import { DurableHistory } from "./support/durable-history.ts";
import { durableFixture } from "./support/durable-project.ts";
import { type DurableStage, durableStage } from "./support/durable-stage.ts";
import { mismatches, nonces, PROGRAM_TASKS, randomProgram } from "./support/random-programs.ts";
import { SlotWatch } from "./support/slot-watch.ts";

const PROGRAMS = 24;

/** Triggers random programs, a few at a time; some are canceled. Returns each root with its program and how it may end. */
async function triggerPrograms(stage: DurableStage, random: SeededRandom, overMs: number) {
  const started = new Map<string, { program: Program; statuses: string[] }>();
  const plan = Array.from({ length: PROGRAMS }, (_, n) => {
    const isCanceled = random.next() < 0.15;
    return {
      n,
      task: random.pick(PROGRAM_TASKS),
      program: randomProgram(random),
      isCanceled,
      waitMs: random.between(0, 1500),
    };
  });
  const startedAt = performance.now();
  await Promise.all(
    plan.map(async ({ n, task, program, isCanceled, waitMs }) => {
      await pause(Math.max(0, startedAt + (n / PROGRAMS) * overMs - performance.now()));
      const run = await stage.trigger(task, { program }, { idempotencyKey: `program-${n}` });
      started.set(run, { program, statuses: isCanceled ? ["CANCELED", "COMPLETED"] : ["COMPLETED"] });
      if (!isCanceled) return;
      await pause(waitMs);
      // What has ended already is refused.
      await stage.cancel(run).catch(() => undefined);
    }),
  );
  return started;
}

const kill = (pid: number) => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
};

/** What may happen at any moment; each is over when it resolves. */
function faults(stage: DurableStage, random: SeededRandom, postgres?: KillablePostgres) {
  const { platform } = stage.here;
  const runners = async () => livingOf(await platform.runners());
  const restart = async (pauseMs: number) => {
    await platform.end("SIGKILL");
    await pause(pauseMs);
    await platform.start();
  };
  return {
    platform: () => restart(random.between(0, 500)),
    runner: async () => {
      for (const runner of await runners()) kill(runner);
    },
    taskProcess: async () => {
      const [runner] = await runners();
      if (runner === undefined) return;
      const processes = (await descendants(runner)).filter((pid) => pid !== runner);
      if (processes.length > 0) kill(random.pick(processes));
    },
    postgres: async () => {
      await postgres?.end(random.next() < 0.7 ? "SIGKILL" : "stop");
      await pause(random.between(0, 1000));
      await postgres?.start();
    },
  };
}

async function check(stage: DurableStage, started: Awaited<ReturnType<typeof triggerPrograms>>, slots: SlotWatch) {
  await stage.here.api.untilIdle(150_000);
  expect(await slots.stop()).toEqual([]);
  const history = new DurableHistory(stage.here.pool, stage.here.project);
  expect(await history.violations(new Map([...started].map(([run, { statuses }]) => [run, statuses])))).toEqual([]);
  for (const [run, { program }] of started) {
    const { status, output } = await stage.here.api.run(run);
    if (status !== "COMPLETED") continue;
    const { got } = output as { got: Outcome };
    expect(mismatches(program, got), run).toEqual([]);
    const recorded = JSON.stringify(await stage.journal(run));
    expect(
      nonces(got).filter((nonce) => !recorded.includes(nonce)),
      run,
    ).toEqual([]);
  }
}

test("random programs of steps, waits, children, races and cancels end once and as written", async () => {
  const random = SeededRandom.ofTest();
  const stage = await durableStage();
  const slots = new SlotWatch(stage.here.pool);
  await check(stage, await triggerPrograms(stage, random, 4_000), slots);
}, 240_000);

test("the same while platform, runners and task processes are killed again and again", async () => {
  const random = SeededRandom.ofTest();
  const stage = await durableStage();
  const slots = new SlotWatch(stage.here.pool);
  const triggered = triggerPrograms(stage, random, 12_000);
  const { platform, runner, taskProcess } = faults(stage, random);
  for (let kills = 0; kills < 12; kills++) {
    await pause(random.between(200, 1_500));
    await random.pick([platform, platform, runner, taskProcess, taskProcess])();
  }
  await check(stage, await triggered, slots);
}, 300_000);

test("the same while Postgres is killed too", async () => {
  const random = SeededRandom.ofTest();
  const postgres = await KillablePostgres.start();
  const stage = await durableStage({ databaseUrl: postgres.url, fixture: durableFixture() });
  const slots = new SlotWatch(stage.here.pool);
  const triggered = triggerPrograms(stage, random, 12_000);
  const all = faults(stage, random, postgres);
  for (let kills = 0; kills < 8; kills++) {
    await pause(random.between(300, 1_500));
    await random.pick([all.postgres, all.postgres, all.platform, all.runner, all.taskProcess])();
  }
  await check(stage, await triggered, slots);
}, 300_000);
