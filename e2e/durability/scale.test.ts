import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { descendants, livingOf } from "../../.make/demo/processes.mjs";
import { copyWaitingRun } from "../../platform/test/support/copy-waiting-run.ts";
import { uuidOf } from "../faults/support/history.ts";
import { eventually } from "../support/eventually.ts";
import { DurableHistory } from "./support/durable-history.ts";
import { durableFixture } from "./support/durable-project.ts";
import { type DurableStage, durableStage } from "./support/durable-stage.ts";

const MB = 2 ** 20;

async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

/** The processes that tasks run in, but for those kept booted. */
async function workers(stage: DurableStage): Promise<number[]> {
  return livingOf((await Promise.all((await stage.here.platform.runners()).map(descendants))).flat());
}

const waitingCount = async (stage: DurableStage) => {
  const { rows } = await stage.here.pool.query<{ n: number }>(
    "select count(*)::int as n from run where status = 'WAITING'",
  );
  return rows[0]?.n ?? 0;
};

test("a platform that is killed while 60 runs wait resumes all of them, none early and none twice", async () => {
  const stage = await durableStage();
  // Each has a process of its own until it waits: the last must wait before the first is due, on a busy machine too.
  const count = 60;
  const due = Date.now() + 50_000;
  const runs = await Promise.all(Array.from({ length: count }, () => stage.trigger("sleeper", { until: due })));
  await eventually("that all wait", async () => ((await waitingCount(stage)) === count ? true : undefined));
  await stage.here.platform.end("SIGKILL");
  await stage.here.platform.start();
  await stage.here.api.untilIdle(120_000);
  const history = new DurableHistory(stage.here.pool, stage.here.project);
  expect(await history.violations(new Map(runs.map((run) => [run, ["COMPLETED"]])))).toEqual([]);
  for (const run of runs) {
    const woke = await stage.notes(run, "woke");
    expect(woke).toHaveLength(1);
    expect(woke[0]?.at).toBeGreaterThanOrEqual(due);
  }
}, 180_000);

test("10,000 runs that wait need no process and little memory, and all are resumed within 30 s of their time", async () => {
  const stage = await durableStage({
    fixture: durableFixture({ processKeepAlive: true }),
    settings: { PROCESS_KEEP_ALIVE: "true" },
  });
  const first = await stage.trigger("sleeper", { until: Date.now() + 3_600_000 });
  await stage.waiting(first);
  const before = await memoryOf(stage.here.platform.pid);
  const count = 10_000;
  await copyWaitingRun(stage.here.pool, uuidOf(first), count - 1);
  await stage.here.platform.end("SIGTERM");
  await stage.here.platform.start();
  await stage.completed(await stage.trigger("sleeper", { until: 0 }));
  expect(await waitingCount(stage)).toBe(count);
  expect((await memoryOf(stage.here.platform.pid)) - before).toBeLessThan(50 * MB);
  // The pool of booted processes is all there is.
  expect((await workers(stage)).length).toBeLessThan(10);

  const { rows } = await stage.here.pool.query<{ due: Date }>(
    "with moved as (update journal_entry set due_at = date_trunc('milliseconds', now()) + interval '3 seconds' where completed_at is null returning due_at) select max(due_at) as due from moved",
  );
  const dueAt = rows[0]?.due.getTime() ?? 0;
  await eventually(
    "that nobody waits",
    async () => ((await waitingCount(stage)) === 0 ? true : undefined),
    dueAt + 30_000 - Date.now(),
  );
  await stage.here.api.untilIdle(120_000);
  const ended = async () => {
    const { rows: found } = await stage.here.pool.query<{ status: string; n: number; early: number }>(
      `select h.status, count(*)::int as n, count(*) filter (where j.completed_at < j.due_at)::int as early
       from run_history h join journal_history j on j.run_id = h.id and j.due_at = $1 group by h.status`,
      [rows[0]?.due],
    );
    return found;
  };
  // Journals are put away after their runs.
  await expect.poll(ended, { timeout: 30_000 }).toEqual([{ status: "COMPLETED", n: count, early: 0 }]);
}, 240_000);
