import { expect, test } from "vitest";
import { livingOf } from "../../.make/demo/processes.mjs";
import { killGroup } from "../faults/support/platform-process.ts";
import { type DurableStage, durableStage } from "./support/durable-stage.ts";

const MODES = ["auto", "hold", "replay"];
/** Nobody is to be lost while the platform is away, however long a busy machine takes to start it again. */
const LONG_LEASE = { settings: { LEASE_TTL_MS: "30000" } };

/** A run of the task that waits, with the token it waits for and the process it waits in. */
async function waitingRun(stage: DurableStage, task: string) {
  const token = await stage.token();
  const run = await stage.trigger(task, { url: stage.witness.of(task), token });
  await stage.waiting(run);
  const requests = () => stage.witness.requests(task);
  return { task, run, token, requests };
}

test("POST, wait, POST: the server sees two requests in every mode, through a kill of the platform, in one process", async () => {
  const stage = await durableStage(LONG_LEASE);
  const waiting = await Promise.all(MODES.map((mode) => waitingRun(stage, `plain-${mode}`)));
  const pids = await Promise.all(waiting.map(async ({ run }) => (await stage.noted(run, "begin")).pid));
  await stage.here.platform.end("SIGKILL");
  await stage.here.platform.start();
  // The platform can tell at once who waits; what it does not know yet is who holds them.
  for (const { token } of waiting) await stage.complete(token, "go");
  for (const { run, requests } of waiting) {
    expect(await stage.completed(run)).toMatchObject({ output: "go", attemptCount: 1 });
    expect(requests()).toEqual(["before", "after"]);
    expect(await stage.notes(run, "begin")).toHaveLength(1);
  }
  const resumed = await Promise.all(waiting.map(async ({ run }) => (await stage.noted(run, "resumed")).pid));
  expect(resumed).toEqual(pids);
}, 120_000);

test("the same in steps: the process is gone during the wait, through a kill of the platform, and each request is made once", async () => {
  const stage = await durableStage(LONG_LEASE);
  const waiting = await Promise.all(MODES.map((mode) => waitingRun(stage, `stepped-${mode}`)));
  const [auto, hold, replay] = await Promise.all(waiting.map(async ({ run }) => (await stage.noted(run, "begin")).pid));
  await stage.gone(auto as number);
  await stage.gone(replay as number);
  expect(await livingOf([hold as number])).toEqual([hold]);
  const { rows } = await stage.here.pool.query("select count(*)::int as slots from slot");
  expect(rows).toEqual([{ slots: 0 }]);
  await stage.here.platform.end("SIGKILL");
  await stage.here.platform.start();
  for (const { token } of waiting) await stage.complete(token, "go");
  for (const { run, requests } of waiting) {
    expect(await stage.completed(run)).toMatchObject({ output: { answer: "go", before: 200, after: 200 } });
    expect(requests()).toEqual(["before", "after"]);
  }
  expect((await stage.noted(waiting[0]?.run as string, "resumed")).pid).not.toBe(auto);
  expect((await stage.noted(waiting[1]?.run as string, "resumed")).pid).toBe(hold);
}, 120_000);

test("a worker that is killed during the wait: what would be repeated ends HOLD_LOST and names the line, steps go on", async () => {
  const stage = await durableStage();
  const tasks = [...MODES.flatMap((mode) => [`plain-${mode}`, `stepped-${mode}`]), "plain-restart"];
  const waiting = await Promise.all(tasks.map((task) => waitingRun(stage, task)));
  for (const runner of await stage.here.platform.runners()) killGroup(runner);
  for (const { task, run, token, requests } of waiting) {
    if (task.startsWith("stepped")) {
      await stage.complete(token, "go");
      await stage.completed(run);
      expect(requests(), task).toEqual(["before", "after"]);
    } else if (task === "plain-restart") {
      await stage.noted(run, "begin", 2);
      await stage.complete(token, "go");
      await stage.completed(run);
      expect(requests(), task).toEqual(["before", "before", "after"]);
    } else {
      const { error } = await stage.ended(run, "SYSTEM_FAILURE");
      expect(error, task).toMatchObject({ code: "HOLD_LOST" });
      expect(error?.message, task).toMatch(/plain\.ts:\d+/);
      expect(requests(), task).toEqual(["before"]);
    }
  }
}, 120_000);

test("a worker that is killed when its wait is over, and does not know yet, is lost as if it waited", async () => {
  const stage = await durableStage();
  const tasks = ["plain-auto", "plain-hold", "stepped-hold"];
  const waiting = await Promise.all(tasks.map((task) => waitingRun(stage, task)));
  const runners = await stage.here.platform.runners();
  for (const runner of runners) process.kill(-runner, "SIGSTOP");
  for (const { run, token } of waiting) {
    await stage.complete(token, "go");
    await stage.here.api.untilStatus(run, "EXECUTING");
  }
  for (const runner of runners) killGroup(runner);
  for (const { task, run, requests } of waiting) {
    if (task === "stepped-hold") {
      await stage.completed(run);
      expect(requests(), task).toEqual(["before", "after"]);
    } else {
      expect((await stage.ended(run, "SYSTEM_FAILURE")).error, task).toMatchObject({ code: "HOLD_LOST" });
      expect(requests(), task).toEqual(["before"]);
    }
  }
}, 120_000);

test("a held process that is killed alone is lost in the same way", async () => {
  const stage = await durableStage();
  const plain = await waitingRun(stage, "plain-hold");
  const stepped = await waitingRun(stage, "stepped-hold");
  for (const { run } of [plain, stepped]) process.kill((await stage.noted(run, "begin")).pid, "SIGKILL");
  expect((await stage.ended(plain.run, "SYSTEM_FAILURE")).error).toMatchObject({ code: "HOLD_LOST" });
  await stage.complete(stepped.token, "go");
  expect(await stage.completed(stepped.run)).toMatchObject({ attemptCount: 1 });
  expect(stepped.requests()).toEqual(["before", "after"]);
}, 120_000);

test("unchecked, a replay repeats what was not in a step: its user said so", async () => {
  const stage = await durableStage();
  const { run, token, requests } = await waitingRun(stage, "plain-unchecked");
  await stage.complete(token);
  await stage.completed(run);
  expect(requests()).toEqual(["before", "before", "after"]);
}, 120_000);
