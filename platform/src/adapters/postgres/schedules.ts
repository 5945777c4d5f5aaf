import type pg from "pg";
import type { Due, Schedule } from "../../schedules/schedule.ts";
import type { NewSchedule, ScheduleStore } from "../../schedules/schedule-store.ts";
import { claimSchedules, nextDueInMs, workOffSchedules } from "./due-schedules.ts";
import { dueColumns, instant, type ScheduleRow, toSchedule } from "./schedule-rows.ts";
import { inTransaction } from "./transaction.ts";

/** See ScheduleStore. `now` takes the place of the database's clock in tests: milliseconds since the epoch. */
export function createPostgresScheduleStore(
  pool: pg.Pool,
  now: () => number | undefined = () => undefined,
): ScheduleStore {
  return {
    save: (schedule, next, max) => inTransaction(pool, (client) => save(client, schedule, next, max)),
    change: (schedule, next) => inTransaction(pool, (client) => change(client, schedule, next)),
    async retrieve(environmentId, id) {
      const { rows } = await pool.query<ScheduleRow>({
        name: "schedule",
        text: "select * from schedule where environment_id = $1 and id = $2 and removed_at is null",
        values: [environmentId, id],
      });
      return rows[0] && toSchedule(rows[0]);
    },
    async list(environmentId, { page, perPage }) {
      const { rows } = await pool.query<ScheduleRow & { total: string }>({
        name: "schedules",
        text: `select *, count(*) over () as total from schedule
               where environment_id = $1 and removed_at is null order by id limit $2 offset $3`,
        values: [environmentId, perPage, (page - 1) * perPage],
      });
      const total = rows[0] === undefined && page > 1 ? await count(pool, environmentId) : Number(rows[0]?.total ?? 0);
      return { schedules: rows.map(toSchedule), total };
    },
    async remove(environmentId, id) {
      const { rowCount } = await pool.query(
        "delete from schedule where environment_id = $1 and id = $2 and kind = 'IMPERATIVE'",
        [environmentId, id],
      );
      return rowCount === 1;
    },
    async setPaused(environmentId, id, paused, next) {
      const { next_due_at, next_start_at } = dueColumns(next);
      const { rows } = await pool.query<ScheduleRow>({
        name: "pause-schedule",
        text: `update schedule set paused_at = case when $3 then coalesce(paused_at, now()) end,
                 next_due_at = coalesce($4::timestamptz, next_due_at),
                 next_start_at = coalesce($5::timestamptz, next_start_at), updated_at = now()
               where environment_id = $1 and id = $2 and removed_at is null returning *`,
        values: [environmentId, id, paused, next_due_at, next_start_at],
      });
      return rows[0] && toSchedule(rows[0]);
    },
    async recordRun({ id, environmentId }, dueAt, runId) {
      await pool.query(
        `insert into schedule_due (schedule_id, due_at, environment_id, state, run_id, is_open)
         select s.id, $2, $3, 'triggered', $4, true from schedule s where s.id = $1 on conflict do nothing`,
        [id, instant(dueAt), environmentId, runId],
      );
    },
    claim: (limit, decide) => claimSchedules(pool, limit, decide, now()),
    workOff: (limit, work) => workOffSchedules(pool, limit, work, now()),
    nextInMs: () => nextDueInMs(pool, now()),
  };
}

type NextOf = (id: string) => Due | undefined;

/** The environment's row is locked, so that two at once do not both take the last place. */
async function save(
  client: pg.PoolClient,
  schedule: NewSchedule,
  next: NextOf,
  max: number,
): Promise<Schedule | undefined> {
  const { environmentId, deduplicationKey } = schedule;
  await client.query("select 1 from environment where id = $1 for no key update", [environmentId]);
  const { rows } = await client.query<{ id: string }>(
    "select id from schedule where environment_id = $1 and deduplication_key = $2",
    [environmentId, deduplicationKey],
  );
  const id = rows[0]?.id;
  if (id !== undefined) return change(client, { ...schedule, id }, next);
  if ((await count(client, environmentId)) >= max) return undefined;
  const { next_due_at, next_start_at } = dueColumns(next(schedule.id));
  const inserted = await client.query<ScheduleRow>(
    `insert into schedule (id, environment_id, kind, deduplication_key, task_id, external_id, cron, timezone, overlap,
       catch_up, catch_up_window_ms, jitter, next_due_at, next_start_at)
     values ($1, $2, 'IMPERATIVE', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning *`,
    [schedule.id, environmentId, deduplicationKey, ...settings(schedule), next_due_at, next_start_at],
  );
  return toSchedule(inserted.rows[0] as ScheduleRow);
}

/** One whose times stay as they were goes on waiting for what it waited for: a deploy script that runs often loses none. */
async function change(
  client: pg.PoolClient,
  schedule: Omit<NewSchedule, "deduplicationKey">,
  next: NextOf,
): Promise<Schedule | undefined> {
  const { next_due_at, next_start_at } = dueColumns(next(schedule.id));
  const { rows } = await client.query<ScheduleRow>(
    `update schedule s set task_id = $3, external_id = $4, cron = $5, timezone = $6, overlap = $7, catch_up = $8,
       catch_up_window_ms = $9, jitter = $10, updated_at = now(),
       next_due_at = case when ${SAME_TIMES} then s.next_due_at else $11 end,
       next_start_at = case when ${SAME_TIMES} then s.next_start_at else $12 end
     where s.environment_id = $2 and s.id = $1 and s.kind = 'IMPERATIVE' returning s.*`,
    [schedule.id, schedule.environmentId, ...settings(schedule), next_due_at, next_start_at],
  );
  return rows[0] && toSchedule(rows[0]);
}

const SAME_TIMES =
  "s.next_due_at is not null and (s.cron, s.timezone) = ($5, $6) and s.jitter is not distinct from $10";

function settings(schedule: Omit<NewSchedule, "deduplicationKey">): unknown[] {
  const { taskId, externalId, cron, timezone, overlap, catchUp, catchUpWindowMs, jitter } = schedule;
  return [taskId, externalId ?? null, cron, timezone, overlap, catchUp, catchUpWindowMs, jitter ?? null];
}

async function count(db: Pick<pg.Pool, "query">, environmentId: number): Promise<number> {
  const { rows } = await db.query<{ count: string }>(
    "select count(*) from schedule where environment_id = $1 and removed_at is null",
    [environmentId],
  );
  return Number(rows[0]?.count ?? 0);
}
