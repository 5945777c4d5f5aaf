import type { RunStatus } from "@gantry/sdk/contract";
import type pg from "pg";
import type { ExplainedWait, ExplainFacts, Hold } from "../../runs/run-store.ts";
import { madeAt } from "./run-reads.ts";

interface Row {
  status: RunStatus;
  delay_until: Date | null;
  requested_version: string | null;
  environment_paused: boolean;
  concurrency_limit: number;
  environment_running: number;
  queue: string;
  queue_paused: boolean;
  lane_limit: number | null;
  lane_running: number;
  concurrency_key: string;
  combined_limit: number | null;
  queue_running: number;
  rate_limit: number | null;
  rate_period_ms: number | null;
  rate_left: number | null;
  rate_due_at: Date | null;
  position: number | null;
  cancel_requested: boolean;
  worker_id: string | null;
  has_deployment: boolean;
  hold: Hold | null;
  waits: (Omit<ExplainedWait, "dueAt"> & { dueAt: string | null })[] | null;
  park: ExplainFacts["checkpoint"] | null;
  held: number | null;
  max_held: number;
}

/** All that can hold a run back, as it is now. The position is counted up to 100,000. */
export async function explainFacts(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
): Promise<ExplainFacts | undefined> {
  const { rows } = await pool.query<Row>({
    name: "explain-facts",
    text: `
      select r.status, r.delay_until, r.requested_version, e.paused_at is not null as environment_paused, e.concurrency_limit,
        (select count(*)::int from slot s where s.environment_id = $1) as environment_running,
        q.name as queue, q.paused_at is not null as queue_paused, coalesce(q.override_limit, q.declared_limit) as lane_limit,
        (select count(*)::int from slot s where s.lane_id = r.lane_id) as lane_running,
        r.concurrency_key, q.combined_limit,
        (select count(*)::int from slot s where s.environment_id = $1 and s.queue_id = q.id) as queue_running,
        q.rate_limit, q.rate_period_ms,
        case when q.rate_limit is not null then
          rate_room(q.id, case when q.rate_key = 'queue' then 0 else r.lane_id end, q.rate_limit, q.rate_period_ms, now()) end as rate_left,
        case when q.rate_limit is not null then
          rate_due(q.id, case when q.rate_key = 'queue' then 0 else r.lane_id end, q.rate_period_ms, now()) end as rate_due_at,
        case when r.status = 'QUEUED' then
          (select count(*)::int from (
            select 1 from ready d where d.lane_id = r.lane_id and (d.order_at, d.run_id) < (r.order_at, r.id) limit 100000) a)
        end as position,
        r.cancel_requested_at is not null as cancel_requested,
        (select x.worker_id from execution x where x.id = r.execution_id) as worker_id,
        e.current_deployment_id is not null as has_deployment, r.hold,
        case when r.status = 'WAITING' then (
          select json_agg(w order by w."dueAt", w.entry) from (
            select j.entry, j.kind, j.label, j.due_at as "dueAt" from journal_entry j
            where j.run_id = r.id and j.completed_at is null order by j.due_at, j.entry limit 100) w)
        end as waits,
        case when r.status = 'WAITING' then g.park || coalesce(
          (select jsonb_build_object('ifLost', x.park -> 'ifLost') from execution x
           where x.id = r.execution_id and x.park ? 'ifLost'), '{}') end as park,
        m.max_held,
        case when r.status = 'QUEUED' and r.parent_run_id is null
            and r.order_at > now() - interval '50 years' then
          (select count(*)::int from (
            select 1 from execution x where x.environment_id = $1 and x.state = 'PARKED' limit m.max_held) k)
        end as held
      from run r
      join environment e on e.id = r.environment_id
      join queue q on q.id = r.queue_id
      left join run_journal g on g.run_id = r.id
      cross join lateral (
        select greatest(1, coalesce(case when (e.limits ->> 'maxHeld')::int >= 0 then (e.limits ->> 'maxHeld')::int end,
                                    e.concurrency_limit)) as max_held
      ) m
      where r.environment_id = $1 and r.id = $2`,
    values: [environmentId, runId],
  });
  const row = rows[0];
  return row === undefined ? endedFacts(pool, environmentId, runId) : toFacts(runId, row);
}

function toFacts(runId: string, row: Row): ExplainFacts {
  return {
    runId,
    status: row.status,
    delayUntil: row.delay_until ?? undefined,
    requestedVersion: row.requested_version ?? undefined,
    environmentPaused: row.environment_paused,
    environmentLimit: row.concurrency_limit,
    environmentRunning: row.environment_running,
    queueName: row.queue,
    queuePaused: row.queue_paused,
    laneLimit: row.lane_limit ?? undefined,
    laneRunning: row.lane_running,
    concurrencyKey: row.concurrency_key === "" ? undefined : row.concurrency_key,
    combinedLimit: row.combined_limit ?? undefined,
    queueRunning: row.queue_running,
    rateLimit:
      row.rate_limit === null || row.rate_period_ms === null
        ? undefined
        : { limit: row.rate_limit, periodMs: row.rate_period_ms },
    rateLeft: row.rate_left ?? undefined,
    rateDueAt: row.rate_due_at ?? undefined,
    position: row.position ?? undefined,
    cancelRequested: row.cancel_requested,
    workerId: row.worker_id ?? undefined,
    hasDeployment: row.has_deployment,
    hold: row.hold ?? undefined,
    waits: (row.waits ?? []).map(({ dueAt, ...wait }) => ({
      ...wait,
      dueAt: dueAt === null ? undefined : new Date(dueAt),
    })),
    checkpoint: row.park ?? undefined,
    heldLimit: row.held !== null && row.held >= row.max_held ? { held: row.held, limit: row.max_held } : undefined,
  };
}

async function endedFacts(pool: pg.Pool, environmentId: number, runId: string): Promise<ExplainFacts | undefined> {
  const { rows } = await pool.query<{ status: RunStatus; queue: string }>({
    name: "explain-ended",
    text: `select h.status, q.name as queue from run_history h join queue q on q.id = h.queue_id
           where h.environment_id = $1 and h.id = $2 and h.finished_at >= $3 limit 1`,
    values: [environmentId, runId, madeAt(runId)],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    runId,
    status: row.status,
    delayUntil: undefined,
    requestedVersion: undefined,
    environmentPaused: false,
    environmentLimit: 0,
    environmentRunning: 0,
    queueName: row.queue,
    queuePaused: false,
    laneLimit: undefined,
    laneRunning: 0,
    concurrencyKey: undefined,
    combinedLimit: undefined,
    queueRunning: 0,
    rateLimit: undefined,
    rateLeft: undefined,
    rateDueAt: undefined,
    position: undefined,
    cancelRequested: false,
    workerId: undefined,
    hasDeployment: true,
    hold: undefined,
    waits: [],
    checkpoint: undefined,
    heldLimit: undefined,
  };
}
