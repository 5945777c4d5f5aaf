import { expect, test } from "vitest";
import { sharedStage } from "./support/durable-stage.ts";

const shared = sharedStage();

test("a task that waits for itself three deep completes with a concurrency limit of 1", async () => {
  const stage = shared.get();
  const run = await stage.trigger("nest", { depth: 3 });
  expect((await stage.completed(run)).output).toEqual({ sum: 4 });
});

const FAILS = [3, 11, 12, 40, 64, 65, 99];
const told = Array.from({ length: 100 }, (_, n) =>
  FAILS.includes(n) ? { ok: false, message: `leaf ${n} fails` } : { ok: true, n },
);

test("of 100 children at once, of which 7 fail, each result arrives once and in its place", async () => {
  const stage = shared.get();
  const run = await stage.trigger("many-at-once", { count: 100, fails: FAILS });
  expect((await stage.completed(run)).output).toEqual(told);
  const children = (await stage.journal(run)).filter(({ kind }) => kind === "child");
  expect(new Set(children.map(({ childRunId }) => childRunId)).size).toBe(100);
  const { rows } = await stage.here.pool.query<{ n: number }>(
    "select count(*)::int as n from run_history where task_id = 'leaf' and parent_run_id is not null",
  );
  expect(rows[0]?.n).toBe(100);
}, 120_000);

test("a batch of 100 is one wait with the results in order", async () => {
  const stage = shared.get();
  const run = await stage.trigger("batch-at-once", { count: 100, fails: FAILS });
  expect((await stage.completed(run)).output).toEqual({ runs: told, mixed: [-1] });
  expect((await stage.journal(run)).map(({ kind }) => kind)).toEqual(["batch", "batch"]);
}, 120_000);

test("items that are mapped to a step and a child each get their own child's result, whatever ends first", async () => {
  const stage = shared.get();
  const items = [1, 2, 3, 4, 5];
  const gates = items.map((n) => `item-${n}`);
  const last = await stage.token();
  const run = await stage.trigger("each-item", { items, gates, last });
  for (const n of [3, 5, 1, 4, 2]) {
    await stage.here.project.open(`item-${n}`);
    await stage.here.api.run(run);
  }
  await stage.noted(run, "got");
  await stage.waiting(run);
  await stage.complete(last);
  const want = items.map((n) => `${n} ${n * 10} ${n}`);
  expect((await stage.completed(run)).output).toEqual(want);
  expect((await stage.notes(run, "got")).map(({ got }) => got)).toEqual(expect.arrayContaining([want, want]));
}, 60_000);

test("who cancels a parent that waits cancels all below it", async () => {
  const stage = shared.get();
  const run = await stage.trigger("idler", { below: 2 });
  const ids = async () => {
    const { rows } = await stage.here.pool.query<{ status: string }>("select status from run where task_id = 'idler'");
    return rows.map(({ status }) => status);
  };
  await expect.poll(ids, { timeout: 15_000 }).toEqual(["WAITING", "WAITING", "WAITING"]);
  await stage.cancel(run);
  await stage.ended(run, "CANCELED");
  await expect.poll(ids, { timeout: 15_000 }).toEqual([]);
  const { rows } = await stage.here.pool.query<{ status: string; n: number }>(
    "select status, count(*)::int as n from run_history where task_id = 'idler' group by status",
  );
  expect(rows).toEqual([{ status: "CANCELED", n: 3 }]);
}, 60_000);

test("a child's failure that is not looked at is its parent's, whose retry makes another child", async () => {
  const stage = shared.get();
  const run = await stage.trigger("unwraps", {});
  const { error } = await stage.ended(run, "FAILED");
  expect(error?.message).toMatch(/leaf 1 fails|leaf/);
  // A run's journal moves to the history after its run has.
  const keptChildren = async () => {
    const { rows } = await stage.here.pool.query<{ n: number }>(
      "select count(distinct child_run_id)::int as n from journal_history h join run_history r on r.id = h.run_id where r.task_id = 'unwraps'",
    );
    return rows[0]?.n;
  };
  await expect.poll(keptChildren, { timeout: 15_000 }).toBe(1);
  const children = await stage.here.pool.query(
    "select 1 from run_history c join run_history p on p.id = c.parent_run_id where p.task_id = 'unwraps'",
  );
  expect(children.rowCount).toBe(2);
});

test("a child tells its parent and its root how far it is", async () => {
  const stage = shared.get();
  const run = await stage.trigger("teller", { below: 2 });
  const { metadata } = await stage.completed(run);
  // A root is its own parent; each run's words come when they come.
  expect(metadata).toEqual({ told: 2, tellers: expect.arrayContaining([2, 1, 0]) });
});
