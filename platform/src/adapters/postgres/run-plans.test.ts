import { beforeAll, describe, expect, test } from "vitest";
import { type ManyRuns, manyRuns } from "../../../test/support/many-runs.ts";
import { explain, notingPool } from "../../../test/support/query-plans.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import type { RunFilter } from "../../runs/run.ts";
import { storeFilter } from "../../runs/runs.ts";
import { createPostgresRunStore } from "./postgres-run-store.ts";

const { pool } = await testDatabase();
const { pool: noting, asked } = notingPool(pool);
const store = createPostgresRunStore(noting);
const RUNS = 50_000;
const PAGE = 25;
let many: ManyRuns;
beforeAll(async () => {
  many = await manyRuns(pool, RUNS);
}, 120_000);

/** What the last call asked of the tables of runs, explained. */
async function plansOf(act: () => Promise<unknown>) {
  asked.length = 0;
  await act();
  return Promise.all(asked.filter(({ text }) => /\brun_history\b/.test(text)).map((query) => explain(pool, query)));
}

const filters: Record<string, () => RunFilter> = {
  "without a filter": () => ({}),
  "that failed": () => ({ status: ["FAILED"] }),
  "of several statuses": () => ({ status: ["FAILED", "CRASHED", "TIMED_OUT"] }),
  "that execute": () => ({ status: ["EXECUTING"] }),
  "that are completed": () => ({ status: ["COMPLETED"] }),
  "of a task": () => ({ taskId: ["task-3"] }),
  "of several tasks": () => ({ taskId: ["task-3", "task-4", "task-5"] }),
  "of a version": () => ({ version: ["20260102.2"] }),
  "of several versions": () => ({ version: ["20260102.1", "20260102.2"] }),
  "with a tag": () => ({ tags: ["t107"] }),
  "with a tag that many have": () => ({ tags: ["rare"] }),
  "for a machine": () => ({ machine: ["large-1x"] }),
  "of a batch": () => ({ batchId: many.batchId }),
  "of a schedule": () => ({ scheduleId: many.scheduleId }),
  "of a bulk action": () => ({ bulkActionId: many.bulkActionId }),
  "with an error": () => ({ error: many.rareFingerprint }),
  "below a parent": () => ({ parentRunId: many.parentRunId }),
  "of a tree": () => ({ rootRunId: many.rootRunId }),
  "of tests": () => ({ isTest: true }),
  "of the last hours": () => ({ from: new Date(Date.now() - 6 * 3600_000) }),
  "until yesterday": () => ({ to: new Date(Date.now() - 24 * 3600_000) }),
  "searched by the beginning of an id": () => ({ search: "run_01" }),
  "searched by a key": () => ({ search: "said-107" }),
  "searched by the beginning of a task's id": () => ({ search: "task-1" }),
  "of a task, that failed, of the last day": () => ({
    taskId: ["task-3"],
    status: ["FAILED"],
    from: new Date(Date.now() - 24 * 3600_000),
  }),
};

describe(`a page of a list of ${RUNS.toLocaleString("en")} runs`, () => {
  test.each(Object.entries(filters))(
    "%s goes along indexes and sorts no more than it found",
    async (_title, filter) => {
      const read = async () =>
        expect(await store.list(many.environmentId, storeFilter(filter()), { size: PAGE })).not.toEqual([]);
      for (const plan of await plansOf(read)) {
        expect(plan.scanned, plan.text).toEqual([]);
        // Of walks (live, ended, and one for each value) each has a page at most; a set is as large as itself.
        expect(plan.sorted, plan.text).toBeLessThanOrEqual(1_000);
        expect(plan.buffers, plan.text).toBeLessThan(2_500);
      }
    },
  );

  test("by its queue", async () => {
    const { rows } = await pool.query<{ name: string }>("select name from queue where id = $1", [many.queueIds[2]]);
    const queue = rows.map(({ name }) => name);
    for (const plan of await plansOf(() => store.list(many.environmentId, { queue }, { size: PAGE }))) {
      expect(plan.scanned, plan.text).toEqual([]);
      expect(plan.buffers, plan.text).toBeLessThan(500);
    }
  });

  test("finds the ids of the newest, and of any page far behind, in the index alone", async () => {
    const page = await store.select(many.environmentId, {}, { size: PAGE });
    const deep = (
      await store.select(many.environmentId, { to: new Date(Date.now() - 36 * 3600_000) }, { size: 1 })
    )[0] as string;
    for (const after of [page.at(-1) as string, deep]) {
      const [plan] = await plansOf(() => store.select(many.environmentId, {}, { size: PAGE, after }));
      expect(plan?.nodes).toContain("Index Only Scan");
      expect(plan?.nodes.filter((node) => /Seq Scan|Bitmap|^Index Scan/.test(node))).toEqual([]);
      expect(plan?.buffers).toBeLessThan(200);
    }
  });
});

describe(`counts of ${RUNS.toLocaleString("en")} runs`, () => {
  test("stop at 10,000, and are exact below", async () => {
    const counts = new Map((await store.count(many.environmentId, {})).map((one) => [one.status, one]));
    expect(counts.get("COMPLETED")).toMatchObject({ count: 10_000, isCapped: true });
    expect(counts.get("EXECUTING")).toMatchObject({ count: 25, isCapped: false });
    expect(counts.get("FAILED")).toMatchObject({ isCapped: false });
    expect((counts.get("FAILED")?.count ?? 0) + (counts.get("CRASHED")?.count ?? 0)).toBe(RUNS / 20);
  });

  test.each(["without a filter", "of a task", "with an error", "of a batch", "of tests"])(
    "%s read indexes",
    async (title) => {
      const filter = filters[title]?.() ?? {};
      for (const plan of await plansOf(() => store.count(many.environmentId, storeFilter(filter)))) {
        expect(plan.scanned, plan.text).toEqual([]);
        expect(plan.buffers, plan.text).toBeLessThan(30_000);
      }
    },
  );
});
