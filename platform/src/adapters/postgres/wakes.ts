import type pg from "pg";
import type { Woken } from "../../journal/journal-store.ts";
import { timeoutError } from "../../waitpoints/timeout-error.ts";
import { completeEntries, type EntryOutcome, lockJournals } from "./complete-entries.ts";
import { REACH_LANES } from "./reach-lanes.ts";
import { settle } from "./settlements.ts";
import { inTransaction } from "./transaction.ts";
import { timeOutWaitpoints } from "./waitpoints.ts";

/**
 * Three steps, each a commit of its own: what has ended or is due completes entries, and leaves a wake (a row of run_wake) for
 * each run concerned; then the wakes are taken, and decided upon by statements that see all that led to them.
 */
export async function wake(pool: pg.Pool, limit: number): Promise<{ woken: Woken[]; isMore: boolean }> {
  const timedOut = await timeOutWaitpoints(pool, limit);
  const settled = await settle(pool, Math.min(limit, SETTLED_AT_ONCE));
  const due = await completeDue(pool, limit);
  const { woken, taken } = await wakeRuns(pool, limit);
  const isMore = Math.max(timedOut, due, taken) >= limit || settled >= Math.min(limit, SETTLED_AT_ONCE);
  return { woken, isMore };
}

/** Outputs of so many runs are in memory together. */
const SETTLED_AT_ONCE = 200;

/** Completes waits whose time has come; how many there were. */
async function completeDue(pool: pg.Pool, limit: number): Promise<number> {
  const { rows } = await pool.query<{ run_id: string; entry: number; kind: string; due_at: Date }>({
    name: "due-entries",
    text: `select j.run_id, j.entry, j.kind, j.due_at from journal_entry j
           where j.completed_at is null and j.due_at is not null and j.due_at <= now() order by j.due_at limit $1`,
    values: [limit],
  });
  if (rows.length === 0) return 0;
  const outcomes = rows.map(
    ({ run_id: runId, entry, kind, due_at: dueAt }): EntryOutcome =>
      kind === "time" ? { runId, entry, ok: true } : { runId, entry, ok: false, error: timeoutError(dueAt) },
  );
  await inTransaction(pool, (client) => completeEntries(client, outcomes));
  return rows.length;
}

interface WokenRow {
  environment_id: number;
  run_id: string;
  execution_id: string | null;
  lane_id: string | null;
  order_at: string | null;
}

/**
 * Runs that wait, with something that they do not know, are queued ahead of those that were not started yet. Their journals are
 * locked first: a run that is being parked either has seen what woke it, or waits by then.
 *
 * A held worker's execution that somebody is ending (he has locked it) is passed over, and its wake left for the next time.
 */
async function wakeRuns(pool: pg.Pool, limit: number): Promise<{ woken: Woken[]; taken: number }> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ environment_id: number; run_id: string }>({
      name: "take-wakes",
      text: `delete from run_wake where ctid = any (array(
               select w.ctid from run_wake w limit $1 for update skip locked))
             returning environment_id, run_id`,
      values: [limit],
    });
    if (rows.length === 0) return { woken: [], taken: 0 };
    const environments = new Map(rows.map((row) => [row.run_id, row.environment_id]));
    const runIds = [...environments.keys()].sort();
    await lockJournals(client, runIds);
    const woken = await client.query<WokenRow>({
      name: "wake-runs",
      text: WAKE,
      values: [runIds.map((runId) => environments.get(runId)), runIds],
    });
    return { woken: woken.rows.map(toWoken), taken: rows.length };
  });
}

const WAKE = `
with live as materialized (
  select r.environment_id, r.id, r.queue_id, r.concurrency_key, r.status, r.execution_id,
    r.status = 'WAITING' and j.seq > coalesce(j.waits_after, -1) as is_due
  from unnest($1::int[], $2::uuid[]) as w (environment_id, run_id)
  join run r on r.environment_id = w.environment_id and r.id = w.run_id
  join run_journal j on j.run_id = r.id
), held as materialized (
  select x.id from execution x where x.id in (select l.execution_id from live l where l.is_due) for key share skip locked
), moved as materialized (
  select l.* from live l where l.is_due and (l.execution_id is null or l.execution_id in (select h.id from held h))
), put_off as (
  insert into run_wake (environment_id, run_id)
  select l.environment_id, l.id from live l where l.is_due and l.id not in (select m.id from moved m)
), wanted as materialized (
  select distinct environment_id, queue_id, concurrency_key from moved
), ${REACH_LANES}, placed as materialized (
  select m.*, l.id as lane_id, clock_timestamp() - interval '100 years' as order_at
  from moved m join reached l on l.queue_id = m.queue_id and l.concurrency_key = m.concurrency_key
), updated as (
  update run r set status = 'QUEUED', lane_id = p.lane_id, order_at = p.order_at, updated_at = now(), revision = r.revision + 1
  from placed p where r.environment_id = p.environment_id and r.id = p.id and r.status = 'WAITING'
  returning r.id, r.environment_id, r.execution_id, r.checkpoint_id, r.lane_id, r.order_at
), queued as (
  insert into ready (lane_id, order_at, run_id, admission, is_root)
  select lane_id, order_at, id, (case when execution_id is not null then 'resumeInPlace' when checkpoint_id is not null then 'restore'
    else 'replay' end)::admission_kind, false
  from updated
), noted as (
  update run_journal j set waits_after = null from updated u where j.run_id = u.id
)
select environment_id, id as run_id, execution_id, lane_id, order_at::text from updated
union all
select environment_id, id, execution_id, null, null from live where status = 'EXECUTING' and execution_id is not null`;

function toWoken(row: WokenRow): Woken {
  const { environment_id: environmentId, lane_id: laneId } = row;
  return {
    environmentId,
    runId: row.run_id,
    executionId: row.execution_id ?? undefined,
    announcement: laneId === null ? undefined : { environmentId, laneId, orderAt: row.order_at ?? undefined },
  };
}

export async function nextDueInMs(pool: pg.Pool): Promise<number | undefined> {
  const { rows } = await pool.query<{ ms: number | null }>({
    name: "next-due",
    text: `
      select greatest(0, extract(epoch from least(
        (select j.due_at from journal_entry j where j.completed_at is null and j.due_at is not null order by j.due_at limit 1),
        (select w.due_at from waitpoint w where w.status = 'WAITING' and w.due_at is not null order by w.due_at limit 1)
      ) - clock_timestamp()) * 1000)::float8 as ms
      where exists (select 1 from journal_entry j where j.completed_at is null and j.due_at is not null)
        or exists (select 1 from waitpoint w where w.status = 'WAITING' and w.due_at is not null)`,
  });
  return rows[0]?.ms ?? undefined;
}
