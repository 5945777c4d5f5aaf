import type pg from "pg";
import { BINS_PER_DOUBLING, LAST_BIN, NOT_STARTED } from "../../insights/duration-bin-policy.ts";
import { RESOLUTIONS } from "../../insights/stat-window-policy.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Counts ended runs into the tables of figures, each once: a stretch of time is counted and the mark behind it moved in one
 * transaction, under the mark's lock. A run's `finished_at` is when its transaction began, so a stretch is over only once every
 * transaction that began in it is: the mark stays behind the oldest that is open, and behind none that is older than any
 * statement may take.
 */
const MAX_STATEMENT_SECONDS = 120;
/** A transaction shows a moment after it began. */
const SETTLE_MS = 1000;
/** How far back the first count goes. */
const KEPT_DAYS = 30;
const MIN_STRETCH_MS = 10_000;
const MAX_STRETCH_MS = 6 * 3600_000;
/** A stretch with more runs is followed by a shorter one. */
const MANY_RUNS = 20_000;
/** Without an ended run the mark moves only so often. */
const IDLE_MS = 60_000;

const COUNT = `
with ended as materialized (
  select h.environment_id, h.task_id, h.status, h.finished_at, h.id, h.error_fingerprint as fingerprint,
    case when h.error_fingerprint is not null then h.error end as error,
    case when h.started_at is null then ${NOT_STARTED} else least(${LAST_BIN}, greatest(0, ceil(${BINS_PER_DOUBLING} * ln(
      greatest(1, extract(epoch from h.finished_at - h.started_at)::float8 * 1000)) / ln(2::float8)))) end::smallint as bin
  from run_history h where h.finished_at >= $1 and h.finished_at < $2
), stats as (
  insert into run_stat as s (environment_id, task_id, resolution, bucket_at, status, duration_bin, runs)
  select e.environment_id, t.id, r.minutes, date_bin(make_interval(mins => r.minutes), e.finished_at, 'epoch'), e.status,
    e.bin, count(*)::int
  from ended e cross join unnest(array[${RESOLUTIONS.join(", ")}]) r (minutes)
    cross join lateral (values (e.task_id), ('')) t (id)
  group by 1, 2, 3, 4, 5, 6
  on conflict (environment_id, task_id, resolution, bucket_at, status, duration_bin)
  do update set runs = s.runs + excluded.runs
), groups as (
  insert into error_group as g (environment_id, fingerprint, task_id, status, name, code, message, first_seen_at,
    last_seen_at, run_id)
  select distinct on (e.environment_id, e.fingerprint) e.environment_id, e.fingerprint, e.task_id, e.status,
    left(coalesce(e.error ->> 'name', e.status::text), 200), left(e.error ->> 'code', 200),
    left(coalesce(e.error ->> 'message', 'The run ended as ' || e.status || '.'), 1000),
    min(e.finished_at) over (partition by e.environment_id, e.fingerprint), e.finished_at, e.id
  from ended e where e.fingerprint is not null
  order by e.environment_id, e.fingerprint, e.finished_at desc, e.id desc
  on conflict (environment_id, fingerprint) do update set status = excluded.status, name = excluded.name,
    code = excluded.code, message = excluded.message, last_seen_at = excluded.last_seen_at, run_id = excluded.run_id
), error_stats as (
  insert into error_stat as s (environment_id, fingerprint, resolution, bucket_at, runs)
  select e.environment_id, e.fingerprint, r.minutes, date_bin(make_interval(mins => r.minutes), e.finished_at, 'epoch'),
    count(*)::int
  from ended e cross join unnest(array[${RESOLUTIONS.join(", ")}]) r (minutes)
  where e.fingerprint is not null group by 1, 2, 3, 4
  on conflict (environment_id, fingerprint, resolution, bucket_at) do update set runs = s.runs + excluded.runs
)
select count(*)::int as n from ended`;

/** True where there are more to count. See InsightStore. */
export function createEndedCounter(pool: pg.Pool, settleMs = SETTLE_MS): () => Promise<boolean> {
  let stretchMs = 300_000;
  return () =>
    inTransaction(pool, async (client) => {
      const fromMs = await lockMark(client);
      if (fromMs === undefined) return false;
      const settledMs = await settledUntil(client, settleMs);
      const untilMs = Math.min(settledMs, fromMs + stretchMs);
      if (untilMs <= fromMs) return false;
      const { rows } = await client.query<{ n: number }>({
        name: "count-ended",
        text: COUNT,
        values: [new Date(fromMs), new Date(untilMs)],
      });
      const n = rows[0]?.n ?? 0;
      if (n === 0) stretchMs = Math.min(MAX_STRETCH_MS, stretchMs * 2);
      if (n > MANY_RUNS) stretchMs = Math.max(MIN_STRETCH_MS, stretchMs / 2);
      const isMore = untilMs < settledMs;
      if (n > 0 || isMore || untilMs - fromMs > IDLE_MS)
        await client.query("update insight_state set counted_until = $1", [new Date(untilMs)]);
      return isMore;
    });
}

/** How far runs are counted; milliseconds. Undefined where somebody else is counting. */
async function lockMark(client: pg.PoolClient): Promise<number | undefined> {
  await client.query(
    `insert into insight_state (counted_until)
     -- Nothing ended before the first environment was made.
     select date_trunc('milliseconds', greatest(now() - interval '${KEPT_DAYS} days', (select min(created_at) from environment)))
     where not exists (select 1 from insight_state)
     on conflict do nothing`,
  );
  const { rows } = await client.query<{ counted_until: Date }>(
    "select counted_until from insight_state for update skip locked",
  );
  return rows[0]?.counted_until.getTime();
}

/** No run will end before it that has not; milliseconds by the database's clock. A statement before the one that counts. */
async function settledUntil(client: pg.PoolClient, settleMs: number): Promise<number> {
  const { rows } = await client.query<{ until: Date }>(
    `select greatest(
       least(min(a.xact_start), clock_timestamp()) - $1 * interval '1 millisecond',
       clock_timestamp() - interval '${MAX_STATEMENT_SECONDS} seconds') as until
     from pg_stat_activity a
     where a.datname = current_database() and a.pid <> pg_backend_pid() and a.xact_start is not null
       and a.backend_type = 'client backend'`,
    [settleMs],
  );
  return rows[0]?.until.getTime() ?? 0;
}
