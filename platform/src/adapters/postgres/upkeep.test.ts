import { describe, expect, test } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import { createUpkeep } from "./upkeep.ts";

const { pool } = await testDatabase();
const upkeep = createUpkeep(pool);
const acts = await storeActs(pool);
const { at, store } = acts;

const DAY = 86_400_000;
const partition = (parent: string, daysAgo: number) =>
  `${parent}_${new Date(Date.now() - daysAgo * DAY).toISOString().slice(0, 10).replaceAll("-", "")}`;
const partitions = async () =>
  (
    await pool.query<{ name: string }>(
      "select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where c.relname ~ '_[0-9]{8}$'",
    )
  ).rows.map((row) => row.name);
const count = async (table: string) => Number((await pool.query(`select count(*) as n from ${table}`)).rows[0].n);

async function makeDay(parent: string, daysAgo: number): Promise<string> {
  const name = partition(parent, daysAgo);
  const day = (ago: number) => new Date(Date.now() - ago * DAY).toISOString().slice(0, 10);
  await pool.query(
    `create table ${name} partition of ${parent} for values from ('${day(daysAgo)} 00:00+00') to ('${day(daysAgo - 1)} 00:00+00')`,
  );
  return name;
}

describe("partitions", () => {
  test("are there from yesterday to a week ahead, and harmless to make again, by several at once", async () => {
    await Promise.all([1, 2, 3].map(() => upkeep.ensurePartitions()));
    const names = await partitions();
    for (let day = -7; day <= 1; day++) expect(names).toContain(partition("run_history", day));
    // The template may have been made before midnight: it has an earlier day, too.
    const [yesterday] = partition("", 1).match(/\d{8}/) ?? [];
    expect(names.filter((name) => name.slice(-8) >= String(yesterday))).toHaveLength(27);
  });

  test.each(["America/Los_Angeles", "Pacific/Auckland"])(
    "are days of UTC, whatever the session's zone (%s)",
    async (zone) => {
      for (const daysAgo of [-6, -7]) await pool.query(`drop table if exists ${partition("run_event", daysAgo)}`);
      const client = await pool.connect();
      await client.query(`set timezone = '${zone}'`);
      await client.query("select ensure_partitions()");
      await client.query("reset timezone");
      client.release();
      await upkeep.ensurePartitions();
      const { rows } = await pool.query<{ bound: string }>(
        "select pg_get_expr(relpartbound, oid) as bound from pg_class where relname = $1",
        [partition("run_event", -7)],
      );
      expect(rows[0]?.bound).toContain("00:00:00+00");
    },
  );

  test("that nobody made in time take what the default partition caught for them", async () => {
    const today = partition("run_history", 0);
    await pool.query(`drop table ${today}`);
    const run = await acts.executing();
    await acts.finish(run, "COMPLETED", run);
    expect(await count("run_history_default")).toBe(1);
    await upkeep.ensurePartitions();
    expect([await count("run_history_default"), await count(today)]).toEqual([0, 1]);
    expect(await acts.status(run.runId)).toBe("COMPLETED");
    const next = await acts.executing();
    expect(await acts.finish(next, "COMPLETED", next)).toBe(true);
  });
});

describe("retention", () => {
  test("drops days that are over, runs and events each after their own time, and no live run however old", async () => {
    const [old, young] = [await makeDay("run_history", 32), await makeDay("run_history", 31)];
    const oldJournals = await makeDay("journal_history", 32);
    const [oldEvents, youngEvents] = [await makeDay("run_event", 16), await makeDay("run_event", 15)];
    const live = await acts.executing({ id: newUuid(Date.now() - 400 * DAY) });
    await pool.query("update run set created_at = now() - interval '400 days' where id = $1", [live.runId]);
    expect(await upkeep.dropPartitions({ runDays: 30, eventDays: 14 })).toEqual([old, oldJournals, oldEvents]);
    const names = await partitions();
    expect(names).toContain(young);
    expect(names).toContain(youngEvents);
    expect(await acts.status(live.runId)).toBe("EXECUTING");
    expect(await acts.finish(live, "COMPLETED", live)).toBe(true);
    expect(await acts.status(live.runId)).toBe("COMPLETED");
  });

  test("leaves a day for the next time rather than holding up everybody who writes", async () => {
    const old = await makeDay("run_history", 40);
    const reader = await pool.connect();
    await reader.query("begin");
    await reader.query(`select 1 from ${old}`);
    await expect(upkeep.dropPartitions({ runDays: 30, eventDays: 14 })).rejects.toThrow("lock timeout");
    await reader.query("rollback");
    reader.release();
    expect(await upkeep.dropPartitions({ runDays: 30, eventDays: 14 })).toEqual([old]);
  });

  test("deletes expired keys, packets, tokens and batches, in slices, and keeps the others", async () => {
    const environmentId = at.environmentId;
    await pool.query(
      "insert into idempotency select $1, 't', int4send(n), gen_random_uuid(), now() + case when n % 2 = 0 then -1 else 1 end * interval '1 h' from generate_series(1, 12000) n",
      [environmentId],
    );
    await pool.query(
      "insert into packet select $1, n::text, '', 'x', now() - n * interval '1 h' from generate_series(1, 48) n",
      [environmentId],
    );
    await pool.query(
      "insert into spent_token select n::text, now() + n * interval '1 h' from generate_series(-3, 3) n where n <> 0",
    );
    const run = await acts.executing();
    const batches = [newUuid(), newUuid(), newUuid()];
    await pool.query(
      "insert into batch (id, environment_id, expected_count, created_at) select id, $1, 1, now() - age from unnest($2::uuid[], $3::interval[]) as b (id, age)",
      [environmentId, batches, ["46 days", "46 days", "1 day"]],
    );
    await pool.query(
      "insert into batch_item (batch_id, item, run_id) select b.id, 0, b.run from unnest($1::uuid[], $2::uuid[]) as b (id, run)",
      [batches, [newUuid(), run.runId, newUuid()]],
    );
    await pool.query(
      "insert into wait_key select $1, int4send(n), now(), now() + n * interval '1 h' from generate_series(-3, 3) n where n <> 0",
      [environmentId],
    );
    await pool.query(
      `insert into waitpoint (id, environment_id, status, created_at, completed_at)
       select gen_random_uuid(), $1, status, now() - interval '40 days', now() - ended
       from unnest('{WAITING,COMPLETED,TIMED_OUT,COMPLETED}'::text[], array[null, '31 days', '31 days', '29 days']::interval[])
         as w (status, ended)`,
      [environmentId],
    );
    await upkeep.deleteExpired();
    expect([await count("wait_key"), await count("waitpoint")]).toEqual([3, 2]);
    expect([await count("idempotency"), await count("packet"), await count("spent_token")]).toEqual([6000, 23, 3]);
    const { rows } = await pool.query<{ id: string }>("select id from batch");
    expect(rows.map((row) => row.id).sort()).toEqual(batches.slice(1).sort());
    expect(await count("batch_item")).toBe(2);
    expect(await store.batchState(environmentId, batches[0] as string)).toBeUndefined();
  });
});
