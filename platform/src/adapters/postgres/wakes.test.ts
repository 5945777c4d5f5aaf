import type { Pool } from "pg";
import { expect, test } from "vitest";
import { journalActs } from "../../../test/support/journal-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import { createPool } from "./pool.ts";
import { createPostgresJournalStore } from "./postgres-journal-store.ts";

const { pool, url } = await testDatabase();

/** Runs that wait, on no worker, for `due` from now. */
async function sleeping(
  count: number,
  due: string,
  at: { environmentId: number; deploymentId: string },
  queueId: number,
) {
  await pool.query(
    `with made as (
       insert into run (environment_id, id, task_id, status, queue_id, attempt, max_attempts, deployment_id, payload, payload_type,
         has_journal, fence)
       select $2, w.id, 'task', 'WAITING', $3, 1, 3, $4, '1', 'application/json', true, 1
       from unnest($1::uuid[]) as w (id) returning id
     ), journals as (
       insert into run_journal (run_id, environment_id, entries, waits_after) select id, $2, 1, 0 from made
     )
     insert into journal_entry (run_id, entry, environment_id, kind, key, label, after, attempt, due_at)
     select id, 0, $2, 'time', 'wait', 'wait', 0, 1, now() + $5::interval from made`,
    [Array.from({ length: count }, () => newUuid()), at.environmentId, queueId, at.deploymentId, due],
  );
}

async function pagesRead(own: Pool): Promise<number> {
  await own.query("select pg_stat_force_next_flush()");
  const { rows } = await own.query<{ n: string }>(
    "select blks_hit + blks_read as n from pg_stat_database where datname = current_database()",
  );
  return Number(rows[0]?.n);
}

test("waking a thousand runs reads no more pages among a hundred thousand that sleep than among a thousand", async () => {
  const { at, queueId } = await journalActs(pool);
  for (const table of ["run", "run_journal", "journal_entry", "ready", "run_wake", "settlement"])
    await pool.query(`alter table ${table} set (autovacuum_enabled = false)`);
  const cost = async (asleep: number) => {
    await sleeping(asleep, "1 hour", at, queueId);
    await sleeping(1000, "-1 second", at, queueId);
    await pool.query("analyze");
    // One connection, which tells of all that it has read.
    const own = createPool({ connectionString: url, max: 1 });
    const journals = createPostgresJournalStore(own);
    // What the planner reads at first is not meant.
    expect(await journals.wake(1)).toMatchObject({ woken: { length: 1 } });
    const before = await pagesRead(own);
    expect((await journals.wake(999)).woken).toHaveLength(999);
    const read = (await pagesRead(own)) - before;
    expect(await journals.nextDueInMs()).toBeGreaterThan(3_000_000);
    await own.end();
    return read;
  };
  const few = await cost(1000);
  const many = await cost(99_000);
  expect(many).toBeLessThan(few * 1.5);
}, 60_000);
