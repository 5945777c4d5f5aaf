import type { WireError } from "@gantry/sdk/contract";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { manyRuns } from "../../../test/support/many-runs.ts";
import { explain, notingPool } from "../../../test/support/query-plans.ts";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { encodeId, newUuid } from "../../ids.ts";
import { durationBin, durationQuantile } from "../../insights/duration-bin-policy.ts";
import { statWindow } from "../../insights/stat-window-policy.ts";
import { createInsightStore } from "./insights.ts";

const { pool } = await testDatabase();
const acts = await storeActs(pool);
const { at } = acts;
const insights = createInsightStore(pool, 0);
const window = () => statWindow(24 * 3600_000, Date.now());

/** Until everything that has ended is counted; the mark has milliseconds. */
async function countAll(store = insights): Promise<void> {
  for (;;) {
    while (await store.countEnded());
    const { rows } = await pool.query<{ is_done: boolean }>(
      "select counted_until > coalesce((select max(finished_at) from run_history where finished_at < now()), '-infinity') as is_done from insight_state",
    );
    if (rows[0]?.is_done) return;
  }
}

/** When the transaction began that waits for a lock. */
async function oldestBlocked(): Promise<Date | undefined> {
  const { rows } = await pool.query<{ at: Date | null }>(
    "select min(xact_start) as at from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rows[0]?.at ?? undefined;
}

/** A run of the task that ended without a worker; its public id. */
async function end(taskId: string, status: "COMPLETED" | "FAILED", error?: WireError): Promise<string> {
  const { run } = await acts.insert({ taskId });
  await acts.finish({ runId: run.id }, status, undefined, { error });
  return encodeId("run", run.id);
}

const runsOf = async (taskId: string) =>
  ((await insights.stats(at.environmentId, [taskId], window())).get(taskId) ?? []).reduce(
    (sum, row) => sum + row.runs,
    0,
  );

describe("ended runs", () => {
  test("are counted once, by task, status and duration, and all together", async () => {
    await end("counted", "COMPLETED");
    await end("counted", "FAILED", { name: "Error", message: "no order 1" });
    await countAll();
    await countAll();
    const rows = (await insights.stats(at.environmentId, ["counted", ""], window())).get("counted") ?? [];
    expect(
      rows.map(({ status, runs, point }) => ({ status, runs, point })).sort((a, b) => (a.status < b.status ? -1 : 1)),
    ).toEqual([
      { status: "COMPLETED", runs: 1, point: 47 },
      { status: "FAILED", runs: 1, point: 47 },
    ]);
    expect(await runsOf("")).toBe(2);
  });

  test("are counted once by several counters at once", async () => {
    for (let n = 0; n < 5; n++) {
      await end("raced", "COMPLETED");
    }
    await Promise.all([countAll(createInsightStore(pool, 0)), countAll(createInsightStore(pool, 0)), countAll()]);
    await countAll();
    expect(await runsOf("raced")).toBe(5);
  });

  test("that a transaction has not committed yet are waited for, and counted after it", async () => {
    await countAll();
    const { run } = await acts.insert({ taskId: "late" });
    const client = await pool.connect();
    try {
      await client.query("begin");
      await client.query("select 1 from run where id = $1 for update", [run.id]);
      const finishing = acts.finish({ runId: run.id }, "COMPLETED");
      await expect.poll(() => oldestBlocked()).toBeDefined();
      while (await insights.countEnded());
      const { rows } = await pool.query<{ counted_until: Date }>("select counted_until from insight_state");
      expect(rows[0]?.counted_until.getTime()).toBeLessThanOrEqual((await oldestBlocked())?.getTime() as number);
      await client.query("commit");
      await finishing;
    } finally {
      client.release();
    }
    await countAll();
    expect(await runsOf("late")).toBe(1);
  });
});

describe("error groups", () => {
  const fail = (taskId: string, message: string) =>
    end(taskId, "FAILED", { name: "TypeError", code: "E_X", message, stack: "at load (/a/orders.ts:1:2)" });
  const list = (over: object = {}, after?: string) =>
    insights.errors(at.environmentId, { from: new Date(0), ...over }, { after, size: 2 });

  test("hold a task's runs whose errors are alike, with the latest as the sample", async () => {
    await fail("grouped", "no order 1");
    await countAll();
    const latest = await fail("grouped", "no order 2");
    await fail("grouped too", "no order 3");
    await countAll();
    const { groups } = await list({ taskIds: ["grouped"] });
    expect(groups).toMatchObject([
      {
        taskId: "grouped",
        name: "TypeError",
        code: "E_X",
        message: "no order 2",
        sampleRunId: latest,
        status: "FAILED",
      },
    ]);
    const [group] = groups;
    const counts = await insights.errorStats(at.environmentId, [group?.fingerprint as string], window());
    expect(counts.get(group?.fingerprint as string)?.at(-1)).toBe(2);
    const runs = await acts.store.list(at.environmentId, { error: group?.fingerprint as string }, { size: 10 });
    expect(runs.map((run) => run.taskId)).toEqual(["grouped", "grouped"]);
  });

  test("are paged, the latest first, and found by what they say", async () => {
    for (const word of ["alpha", "beta", "gamma"]) {
      await fail("paged", `the ${word} is broken`);
      await countAll();
    }
    const first = await list({ taskIds: ["paged"] });
    const second = await list({ taskIds: ["paged"] }, first.next);
    expect([...first.groups, ...second.groups].map(({ message }) => message)).toEqual([
      "the gamma is broken",
      "the beta is broken",
      "the alpha is broken",
    ]);
    expect(second.next).toBeUndefined();
    expect((await list({ search: "BETA is" })).groups).toHaveLength(1);
    await expect(list({}, "nonsense")).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  test("are of one environment", async () => {
    const other = await storeActs(pool);
    expect(
      (await insights.errors(other.at.environmentId, { from: new Date(0) }, { after: undefined, size: 10 })).groups,
    ).toEqual([]);
    const [group] = (await list()).groups;
    expect(await insights.error(other.at.environmentId, group?.fingerprint as string)).toBeUndefined();
  });

  test("go with the last of their runs, and so do figures", async () => {
    await pool.query("update error_group set last_seen_at = last_seen_at - interval '40 days'");
    await pool.query("update run_stat set bucket_at = bucket_at - interval '6 days'");
    await insights.deleteOld(30);
    expect((await list()).groups).toEqual([]);
    const { rows } = await pool.query("select distinct resolution from run_stat");
    expect(rows).toEqual([{ resolution: 360 }]);
  });
});

describe("the batches of an environment", () => {
  test("are listed newest first, with what became of their items", async () => {
    const own = await storeActs(pool);
    const { environmentId } = own.at;
    const make = async () => {
      const { id } = await own.store.createBatch({
        id: newUuid(),
        environmentId,
        expectedCount: 3,
        idempotencyKey: undefined,
        parentRunId: undefined,
      });
      return id;
    };
    const [older, newer] = [await make(), await make()];
    const items = [0, 1].map((item) => own.insert({ batch: { id: newer, item } }));
    const [, failed] = await Promise.all(items);
    await own.finish({ runId: failed?.run.id as string }, "FAILED");
    await own.store.failBatchItem(newer, 2, { code: "TASK_NOT_FOUND", message: "no" });
    await own.store.sealBatch(environmentId, newer);
    const all = await insights.batches(environmentId, {}, { size: 10 });
    expect(all.map(({ id }) => id)).toEqual([encodeId("batch", newer), encodeId("batch", older)]);
    expect(all[0]).toMatchObject({ runCount: 3, triggered: 2, live: 1, failed: 1, errors: 1, isSealed: true });
    expect((await insights.batches(environmentId, {}, { size: 10, after: newer })).map(({ id }) => id)).toEqual([
      encodeId("batch", older),
    ]);
    expect((await insights.batches(environmentId, {}, { size: 10, before: older })).map(({ id }) => id)).toEqual([
      encodeId("batch", newer),
    ]);
    expect(await insights.batches(environmentId, { from: new Date(Date.now() + 60_000) }, { size: 10 })).toEqual([]);
  });
});

describe("figures of 50,000 runs", () => {
  const { pool: noting, asked } = notingPool(pool);
  const store = createInsightStore(noting, 0);
  let environmentId: number;
  beforeAll(async () => {
    ({ environmentId } = await manyRuns(pool, 50_000));
    await pool.query("update insight_state set counted_until = now() - interval '3 days'");
    await countAll();
    for (const table of ["run_stat", "error_stat", "error_group"]) await pool.query(`vacuum analyze ${table}`);
  }, 120_000);

  test("count every run", async () => {
    const rows = (await insights.stats(environmentId, [""], statWindow(3 * 24 * 3600_000, Date.now()))).get("") ?? [];
    expect(rows.reduce((sum, { runs }) => sum + runs, 0)).toBe(50_000);
  });

  test.each(["24h", "7d", "30d"])("over %s are read from a bounded number of pages", async (period) => {
    const days = { "24h": 1, "7d": 7, "30d": 30 }[period] as number;
    const of = statWindow(days * 24 * 3600_000, Date.now());
    asked.length = 0;
    const tasks = Array.from({ length: 20 }, (_, n) => `task-${n}`);
    await store.stats(environmentId, tasks, of);
    await store.lastRuns(environmentId, tasks);
    const { groups } = await store.errors(environmentId, { from: new Date(of.fromMs) }, { after: undefined, size: 25 });
    await store.errorStats(
      environmentId,
      groups.map(({ fingerprint }) => fingerprint),
      of,
    );
    await store.batches(environmentId, {}, { size: 25 });
    expect(asked).toHaveLength(5);
    for (const query of asked) {
      const plan = await explain(pool, query);
      expect(
        plan.scanned.filter((name) => name.startsWith("run")),
        plan.text,
      ).toEqual([]);
      expect(plan.buffers, plan.text).toBeLessThan(8_000);
    }
  });
});

describe("a share of durations", () => {
  test("read from bins is near the true one", () => {
    const durations = fc.array(fc.double({ min: 1, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.95), (all, share) => {
        const bins = new Map<number, number>();
        for (const ms of all) bins.set(durationBin(ms), (bins.get(durationBin(ms)) ?? 0) + 1);
        const sorted = all.toSorted((a, b) => a - b);
        const rank = share * sorted.length;
        const [low, high] = [
          sorted[Math.max(0, Math.ceil(rank) - 1)] as number,
          sorted[Math.min(sorted.length - 1, Math.floor(rank))] as number,
        ];
        const read = durationQuantile(bins, share) as number;
        return read >= low / 1.2 - 1 && read <= high * 1.2 + 1;
      }),
    );
  });

  test("of runs that never started is none", () => {
    expect(durationQuantile(new Map([[-1, 5]]), 0.5)).toBeNull();
  });

  test("is counted by the database as it is here", async () => {
    const { rows } = await pool.query<{ ms: number; bin: number }>(
      `select ms, least(128, greatest(0, ceil(4 * ln(greatest(1, ms)) / ln(2::float8))))::int as bin
       from unnest(array[0, 0.5, 1, 1.5, 2, 3, 100, 12345.6, 1e7, 1e12]::float8[]) ms`,
    );
    for (const { ms, bin } of rows) expect(durationBin(ms)).toBe(bin);
  });
});
