import type pg from "pg";
import type { DueTimer, LaneAnnouncement } from "../../runs/run-store.ts";
import { ADMISSION_OF } from "./checkpoint-rows.ts";
import { REACH_LANES } from "./reach-lanes.ts";

interface AnnouncementRow {
  environment_id: number;
  lane_id: string;
  order_at: string | null;
  run_id: string;
}

const toAnnouncement = (row: AnnouncementRow): LaneAnnouncement => ({
  environmentId: row.environment_id,
  laneId: row.lane_id,
  orderAt: row.order_at ?? undefined,
});

/** From rows `moved(environment_id, id, queue_id, concurrency_key, priority_ms)` to places in their lanes. */
const ENQUEUE = `
wanted as materialized (
  select distinct environment_id, queue_id, concurrency_key from moved
), ${REACH_LANES}, placed as materialized (
  select m.*, l.id as lane_id, clock_timestamp() - m.priority_ms * interval '1 ms' as order_at
  from moved m join reached l
    on l.queue_id = m.queue_id and l.concurrency_key = m.concurrency_key
)`;

/** Rows cannot be updated twice in a statement, so a run's new place is chosen before its row changes. */
const PLACE = `
updated as (
  update run r set status = 'QUEUED', lane_id = p.lane_id, order_at = p.order_at, updated_at = now(),
    revision = r.revision + 1
  from placed p where r.environment_id = p.environment_id and r.id = p.id and r.status = p.status
  returning r.id, r.environment_id, r.lane_id, r.order_at, r.parent_run_id, r.checkpoint_id
), queued as (
  insert into ready (lane_id, order_at, run_id, admission, is_root)
  select lane_id, order_at, id, ${ADMISSION_OF}, parent_run_id is null from updated
)
select environment_id, lane_id, order_at::text, id as run_id from updated`;

/** Due DELAYED runs become QUEUED. A timer of a run that was put off since, or has gone, is only deleted. */
export async function enqueueDue(pool: pg.Pool, limit: number): Promise<(LaneAnnouncement & { runId: string })[]> {
  const { rows } = await pool.query<AnnouncementRow>({
    name: "enqueue-due",
    text: `
      with due as (
        delete from run_timer t where t.ctid = any (array(
          select u.ctid from run_timer u where u.due_at <= now() and u.kind = 'delay'
          order by u.due_at limit $1 for update skip locked))
        returning t.environment_id, t.run_id
      ), moved as materialized (
        select r.environment_id, r.id, r.queue_id, r.concurrency_key, r.priority_ms, r.status
        from due d join run r on r.environment_id = d.environment_id and r.id = d.run_id
        where r.status = 'DELAYED' and r.delay_until <= now()
        for update of r
      ), ${ENQUEUE}, ${PLACE}`,
    values: [limit],
  });
  return rows.map((row) => ({ ...toAnnouncement(row), runId: row.run_id }));
}

/** Environments with runs that wait for a version although they could have one: promoted, or triggered, meanwhile. */
export async function releasableEnvironments(pool: pg.Pool): Promise<number[]> {
  const { rows } = await pool.query<{ environment_id: number }>({
    name: "releasable-environments",
    text: `
      select distinct w.environment_id
      from (select distinct p.environment_id, p.version from pending_version p) w
      join environment e on e.id = w.environment_id
      where (w.version is null and e.current_deployment_id is not null)
        or exists (select 1 from deployment d
                   where d.environment_id = w.environment_id and d.version = w.version and d.status = 'DEPLOYED')`,
  });
  return rows.map((row) => row.environment_id);
}

/**
 * Up to `limit` runs that waited for a version that is deployed now, or for any version at all, become QUEUED or DELAYED.
 * A run that named no queue goes to the one its task declares: nobody knew that when it was triggered.
 */
export async function releasePendingVersions(
  pool: pg.Pool,
  environmentId: number,
  limit: number,
): Promise<{ released: number; announcements: LaneAnnouncement[]; runIds: string[] }> {
  const { rows } = await pool.query<AnnouncementRow & { status: string }>({
    name: "release-pending-versions",
    text: `
      with chosen as materialized (
        select p.run_id, d.id as deployment_id, p.version is not null as is_locked
        from pending_version p
        join environment e on e.id = p.environment_id
        join deployment d on d.environment_id = e.id and d.status = 'DEPLOYED'
          and case when p.version is null then d.id = e.current_deployment_id else d.version = p.version end
        where p.environment_id = $1
        limit $2
        for update of p skip locked
      ), released as (
        delete from pending_version p using chosen c where p.environment_id = $1 and p.run_id = c.run_id
      ), moved as materialized (
        select r.environment_id, r.id, coalesce(t.queue_id, r.queue_id) as queue_id, r.concurrency_key, r.priority_ms, r.status,
          r.delay_until, case when c.is_locked then c.deployment_id end as deployment_id
        from chosen c
        join run r on r.environment_id = $1 and r.id = c.run_id
        join queue q on q.id = r.queue_id
        left join task_definition t
          on t.deployment_id = c.deployment_id and t.task_id = r.task_id and q.name = 'task/' || r.task_id
        where r.status = 'PENDING_VERSION' for update of r
      ), ${ENQUEUE}, updated as (
        update run r set
          status = (case when p.delay_until > now() then 'DELAYED' else 'QUEUED' end)::run_status,
          deployment_id = p.deployment_id, queue_id = p.queue_id,
          lane_id = p.lane_id, order_at = p.order_at, updated_at = now(), revision = r.revision + 1
        from placed p where r.environment_id = p.environment_id and r.id = p.id and r.status = p.status
        returning r.id, r.environment_id, r.lane_id, r.order_at, r.status, r.delay_until, r.parent_run_id
      ), queued as (
        insert into ready (lane_id, order_at, run_id, is_root)
        select lane_id, order_at, id, parent_run_id is null from updated where status = 'QUEUED'
      ), timers as (
        insert into run_timer (due_at, kind, environment_id, run_id)
        select delay_until, 'delay', environment_id, id from updated where status = 'DELAYED'
      )
      select environment_id, lane_id, order_at::text, id as run_id, status::text from updated`,
    values: [environmentId, limit],
  });
  const queued = rows.filter((row) => row.status === "QUEUED");
  return {
    released: rows.length,
    announcements: queued.map(toAnnouncement),
    runIds: rows.map((row) => row.run_id),
  };
}

export async function dueTimers(pool: pg.Pool, limit: number): Promise<DueTimer[]> {
  const { rows } = await pool.query<{ kind: DueTimer["kind"]; environment_id: number; run_id: string; due_at: string }>(
    {
      name: "due-timers",
      text: `select kind::text, environment_id, run_id, due_at::text from run_timer
           where due_at <= now() and kind <> 'delay' order by due_at limit $1`,
      values: [limit],
    },
  );
  return rows.map((row) => ({
    kind: row.kind,
    environmentId: row.environment_id,
    runId: row.run_id,
    dueAt: row.due_at,
  }));
}

export async function deleteTimers(pool: pg.Pool, timers: DueTimer[]): Promise<void> {
  if (timers.length === 0) return;
  await pool.query({
    name: "delete-timers",
    text: `delete from run_timer t using unnest($1::timestamptz[], $2::timer_kind[], $3::uuid[]) as d (due_at, kind, run_id)
           where t.due_at = d.due_at and t.kind = d.kind and t.run_id = d.run_id`,
    values: [timers.map((t) => t.dueAt), timers.map((t) => t.kind), timers.map((t) => t.runId)],
  });
}

export async function nextTimerInMs(pool: pg.Pool): Promise<number | undefined> {
  const { rows } = await pool.query<{ ms: number | null }>({
    name: "next-timer",
    text: `select greatest(0, extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as ms
           from run_timer order by due_at limit 1`,
  });
  return rows[0]?.ms ?? undefined;
}

export async function reschedule(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
  delayUntil: Date,
): Promise<"done" | "unknown" | "notDelayed"> {
  const { rows } = await pool.query<{ done: boolean }>({
    name: "reschedule",
    text: `
      with before as materialized (
        select r.id, r.delay_until, r.ttl_ms, r.started_at from run r
        where r.environment_id = $1 and r.id = $2 and r.status = 'DELAYED' for update
      ), moved as (
        update run r set delay_until = $3, updated_at = now(), revision = r.revision + 1
        from before b where r.environment_id = $1 and r.id = b.id and r.status = 'DELAYED'
        returning r.id
      ), timer as (
        insert into run_timer (due_at, kind, environment_id, run_id)
        select $3::timestamptz, 'delay'::timer_kind, $1::int, id from before
        union all
        select $3::timestamptz + ttl_ms * interval '1 ms', 'ttl'::timer_kind, $1::int, id from before
        where ttl_ms is not null and started_at is null
      ), forgotten as (
        -- Timers are found by when they are due.
        delete from run_timer t using before b
        where t.run_id = b.id and t.due_at in (b.delay_until, b.delay_until + b.ttl_ms * interval '1 ms')
          and t.kind in ('ttl', 'delay')
      )
      select true as done from moved
      union all
      select false from run r where r.environment_id = $1 and r.id = $2 and r.status <> 'DELAYED'`,
    values: [environmentId, runId, delayUntil],
  });
  if (rows[0] !== undefined) return rows[0].done ? "done" : "notDelayed";
  return "unknown";
}
