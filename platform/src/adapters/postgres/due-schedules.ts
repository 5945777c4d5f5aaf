import type pg from "pg";
import type { DueOutcome, PendingDue } from "../../schedules/schedule.ts";
import type { PendingSchedule, ScheduleStore } from "../../schedules/schedule-store.ts";
import { dueColumns, instant, type ScheduleRow, toSchedule } from "./schedule-rows.ts";
import { inTransaction } from "./transaction.ts";

/**
 * How a due time gets exactly one run:
 *
 *   claim    one transaction: schedules whose time has come are locked, their due times inserted (the primary key lets each
 *            in once), and what they wait for next is written. A crash leaves all of it or nothing.
 *   workOff  one transaction: a schedule with pending due times is locked, its runs are triggered by other connections,
 *            what became of them is written. A crash in between leaves due times pending; the next to come triggers them
 *            again, and their idempotency keys, which outlive failed runs, find the runs that are there.
 */

/** Neither it nor its environment is paused, and the current version still declares it. */
const IS_ACTIVE = "s.paused_at is null and s.removed_at is null and e.paused_at is null";
const IS_PENDING = "d.state in ('claimed', 'waiting')";

type Decide = Parameters<ScheduleStore["claim"]>[1];
type Work = Parameters<ScheduleStore["workOff"]>[1];

export function claimSchedules(pool: pg.Pool, limit: number, decide: Decide, now: number | undefined): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<ScheduleRow & { now: Date }>({
      name: "claim-schedules",
      text: `select s.*, coalesce($2::timestamptz, now()) as now from schedule s join environment e on e.id = s.environment_id
             where s.next_start_at <= coalesce($2::timestamptz, now()) and ${IS_ACTIVE}
             order by s.next_start_at limit $1 for no key update of s skip locked`,
      values: [limit, instant(now)],
    });
    if (rows.length === 0) return 0;
    const decided = rows.map((row) => ({ row, ...decide(toSchedule(row), row.now.getTime()) }));
    const dues = decided.flatMap(({ row, starts }) =>
      starts.map((due) => ({ schedule_id: row.id, environment_id: row.environment_id, due_at: instant(due.dueAt) })),
    );
    await client.query({
      name: "insert-dues",
      text: `insert into schedule_due (schedule_id, due_at, environment_id, state, retry_at)
             select i.schedule_id, i.due_at, i.environment_id, 'claimed', coalesce($2::timestamptz, now())
             from json_to_recordset($1) as i (schedule_id uuid, due_at timestamptz, environment_id int)
             on conflict do nothing`,
      values: [JSON.stringify(dues), instant(now)],
    });
    const next = decided.map((one) => ({ id: one.row.id, ...dueColumns(one.next) }));
    await client.query({
      name: "move-schedules",
      text: `update schedule s set next_due_at = i.next_due_at, next_start_at = i.next_start_at
             from json_to_recordset($1) as i (id uuid, next_due_at timestamptz, next_start_at timestamptz)
             where s.id = i.id`,
      values: [JSON.stringify(next)],
    });
    return rows.length;
  });
}

export async function workOffSchedules(
  pool: pg.Pool,
  limit: number,
  work: Work,
  now: number | undefined,
): Promise<number> {
  const { rows } = await pool.query<{ schedule_id: string }>({
    name: "pending-schedules",
    text: `select distinct p.schedule_id from (
             select d.schedule_id from schedule_due d
             join schedule s on s.id = d.schedule_id join environment e on e.id = s.environment_id
             where ${IS_PENDING} and d.retry_at <= coalesce($2::timestamptz, now()) and ${IS_ACTIVE}
             order by d.retry_at limit $1) p`,
    values: [limit, instant(now)],
  });
  if (rows.length === 0) return 0;
  const ids = rows.map((row) => row.schedule_id);
  return inTransaction(pool, async (client) => {
    const { schedules, nowMs } = await lockPending(client, ids, now);
    if (schedules.length === 0) return 0;
    await store(client, await work(schedules, nowMs), now);
    return schedules.length;
  });
}

/** Read after the lock, in statements of their own: what another process has worked off meanwhile is no longer pending. */
async function lockPending(
  client: pg.PoolClient,
  ids: string[],
  now: number | undefined,
): Promise<{ schedules: PendingSchedule[]; nowMs: number }> {
  const locked = await client.query<ScheduleRow & { now: Date }>({
    name: "lock-schedules",
    text: `select s.*, coalesce($2::timestamptz, now()) as now from schedule s
           where s.id = any ($1::uuid[]) and s.paused_at is null and s.removed_at is null
           for no key update of s skip locked`,
    values: [ids, instant(now)],
  });
  const lockedIds = locked.rows.map((row) => row.id);
  const pending = await client.query<{ schedule_id: string; due_at: Date; state: PendingDue["state"] }>({
    name: "pending-dues",
    text: `select d.schedule_id, d.due_at, d.state from schedule_due d
           where d.schedule_id = any ($1::uuid[]) and ${IS_PENDING} order by d.due_at`,
    values: [lockedIds],
  });
  await client.query({
    name: "close-dues",
    text: `update schedule_due d set is_open = false
           where d.schedule_id = any ($1::uuid[]) and d.is_open
             and not exists (select 1 from run r where r.environment_id = d.environment_id and r.id = d.run_id)`,
    values: [lockedIds],
  });
  const running = await client.query<{ schedule_id: string; run_id: string }>({
    name: "open-dues",
    text: "select d.schedule_id, d.run_id from schedule_due d where d.schedule_id = any ($1::uuid[]) and d.is_open",
    values: [lockedIds],
  });
  const duesOf = Map.groupBy(pending.rows, (row) => row.schedule_id);
  const runsOf = Map.groupBy(running.rows, (row) => row.schedule_id);
  const schedules = locked.rows.map((row) => ({
    ...toSchedule(row),
    pending: (duesOf.get(row.id) ?? []).map(({ due_at, state }) => ({ dueAt: due_at.getTime(), state })),
    running: (runsOf.get(row.id) ?? []).map(({ run_id }) => run_id),
  }));
  return {
    schedules: schedules.filter((schedule) => schedule.pending.length > 0),
    nowMs: locked.rows[0]?.now.getTime() ?? 0,
  };
}

async function store(client: pg.PoolClient, outcomes: DueOutcome[], now: number | undefined): Promise<void> {
  const rows = outcomes.map((outcome) => ({
    schedule_id: outcome.scheduleId,
    due_at: instant(outcome.dueAt),
    state: outcome.state,
    reason: "reason" in outcome ? outcome.reason : null,
    run_id: "runId" in outcome ? outcome.runId : null,
    retry_in_ms: "retryInMs" in outcome ? outcome.retryInMs : 0,
  }));
  await client.query({
    name: "store-dues",
    text: `
      with input as materialized (
        select * from json_to_recordset($1) as i (
          schedule_id uuid, due_at timestamptz, state due_state, reason text, run_id uuid, retry_in_ms bigint)
      ), moved as (
        update schedule s set last_due_at = greatest(s.last_due_at, i.due_at)
        from (select schedule_id, max(due_at) as due_at from input where run_id is not null group by 1) i
        where s.id = i.schedule_id
      )
      update schedule_due d set state = i.state, reason = i.reason, run_id = i.run_id, is_open = i.run_id is not null,
        retry_at = coalesce($2::timestamptz, clock_timestamp()) + i.retry_in_ms * interval '1 ms'
      from input i where d.schedule_id = i.schedule_id and d.due_at = i.due_at`,
    values: [JSON.stringify(rows), instant(now)],
  });
}

export async function nextDueInMs(pool: pg.Pool, now: number | undefined): Promise<number | undefined> {
  const { rows } = await pool.query<{ ms: number | null }>({
    name: "next-schedule",
    text: `
      select ceil(extract(epoch from least(
        (select s.next_start_at from schedule s join environment e on e.id = s.environment_id
         where ${IS_ACTIVE} and s.next_start_at is not null order by s.next_start_at limit 1),
        (select d.retry_at from schedule_due d
         join schedule s on s.id = d.schedule_id join environment e on e.id = s.environment_id
         where ${IS_PENDING} and ${IS_ACTIVE} order by d.retry_at limit 1)
      ) - coalesce($1::timestamptz, clock_timestamp())) * 1000)::float8 as ms`,
    values: [instant(now)],
  });
  return rows[0]?.ms ?? undefined;
}
