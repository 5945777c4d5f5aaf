import type pg from "pg";
import type { RunStatus } from "@gantry/sdk/contract";
import { type AdmittedRow, GRANT_COLUMNS, toAdmittedRun } from "./admission.ts";
import { jsonSafe } from "./finish-runs.ts";
import type {
  AdmittedRun,
  ExecutionRef,
  LaneAnnouncement,
  RequeueRequest,
  RetryInPlaceRequest,
  RunForDecision,
} from "../../runs/run-store.ts";

/**
 * Ends an execution and puts its run back: at once into its lane, or DELAYED until an instant. The execution's row is
 * the gate, as in finish-runs.ts.
 */
export async function requeue(pool: pg.Pool, request: RequeueRequest): Promise<LaneAnnouncement | "fenced" | undefined> {
  const { rows } = await pool.query<{ environment_id: number; lane_id: string; order_at: string | null }>({
    name: "requeue",
    text: `
      with ended as (
        delete from execution e where e.id = $1 and e.fence = $2 returning e.id, e.run_id, e.environment_id
      ), freed as (
        delete from slot s using ended e where s.run_id = e.run_id and s.execution_id = e.id returning s.lane_id
      ), put_back as (
        update run r set
          status = (case when $3::timestamptz is null then 'QUEUED' else 'DELAYED' end)::run_status,
          execution_id = null, delay_until = coalesce($3, r.delay_until), attempt = $4, attempts = r.attempts || $5::jsonb,
          compute_ms = r.compute_ms + $6, platform_losses = r.platform_losses + $7, deferrals = r.deferrals + $8,
          machine = coalesce($9, r.machine), attempt_started_at = null, updated_at = now(), revision = r.revision + 1
        from ended e where r.environment_id = e.environment_id and r.id = e.run_id and r.execution_id = e.id
        returning r.id, r.environment_id, r.lane_id, r.order_at
      ), queued as (
        insert into ready (lane_id, order_at, run_id) select lane_id, order_at, id from put_back where $3 is null
      ), timer as (
        insert into run_timer (due_at, kind, environment_id, run_id)
        select $3, 'delay', environment_id, id from put_back where $3 is not null
      )
      select p.environment_id, coalesce(f.lane_id, p.lane_id) as lane_id,
        case when $3 is null then p.order_at::text end as order_at
      from put_back p left join freed f on true`,
    values: [
      request.execution.executionId,
      request.execution.fence,
      request.delayUntil ?? null,
      request.nextAttempt,
      JSON.stringify(jsonSafe(request.attempt)),
      Math.round(request.computeMs),
      request.lost ? 1 : 0,
      request.deferred ? 1 : 0,
      request.machine ?? null,
    ],
  });
  const row = rows[0];
  if (row === undefined) return "fenced";
  return { environmentId: row.environment_id, laneId: row.lane_id, orderAt: row.order_at ?? undefined };
}

/**
 * The same execution goes on with another attempt. Repeated (a resent completion), it finds the attempt advanced,
 * changes nothing and answers the same.
 */
export async function retryInPlace(pool: pg.Pool, request: RetryInPlaceRequest): Promise<AdmittedRun | undefined> {
  const values = [
    request.environmentId,
    request.runId,
    request.execution.executionId,
    request.execution.fence,
    request.fromAttempt,
    request.nextAttempt,
    JSON.stringify(jsonSafe(request.attempt)),
    Math.round(request.computeMs),
    request.deferred ? 1 : 0,
    Math.round(request.delayMs),
  ];
  const { rows } = await pool.query<AdmittedRow>({
    name: "retry-in-place",
    text: `
      with current as (
        update execution e set attempt = $6 where e.id = $3 and e.fence = $4 returning e.id
      )
      update run r set attempt = $6, attempts = r.attempts || $7::jsonb, compute_ms = r.compute_ms + $8,
        deferrals = r.deferrals + $9, attempt_started_at = now() + $10 * interval '1 ms', updated_at = now(),
        revision = r.revision + 1
      from current c
      where r.environment_id = $1 and r.id = $2 and r.execution_id = c.id and r.attempt = $5
      returning true as direct, ${GRANT_COLUMNS}`,
    values,
  });
  if (rows[0] !== undefined) return toAdmittedRun(rows[0]);
  const again = await pool.query<AdmittedRow>({
    name: "retry-in-place-again",
    text: `select true as direct, ${GRANT_COLUMNS} from run r
           where r.environment_id = $1 and r.id = $2 and r.execution_id = $3 and r.fence = $4 and r.attempt = $5`,
    values: [request.environmentId, request.runId, request.execution.executionId, request.execution.fence, request.nextAttempt],
  });
  return again.rows[0] === undefined ? undefined : toAdmittedRun(again.rows[0]);
}

interface DecisionRow {
  id: string;
  environment_id: number;
  task_id: string;
  status: RunStatus;
  deployment_id: string | null;
  attempt: number;
  max_attempts: number;
  attempt_started_at: Date | null;
  platform_losses: number;
  deferrals: number;
  machine: string | null;
  cancel_requested_at: Date | null;
}

export async function runForDecision(
  pool: pg.Pool,
  environmentId: number,
  execution: ExecutionRef,
): Promise<RunForDecision | undefined> {
  const { rows } = await pool.query<DecisionRow>({
    name: "run-for-decision",
    text: `select r.* from execution e join run r on r.environment_id = e.environment_id and r.id = e.run_id
           where e.id = $1 and e.fence = $2 and e.environment_id = $3 and r.execution_id = e.id`,
    values: [execution.executionId, execution.fence, environmentId],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    runId: row.id,
    environmentId: row.environment_id,
    taskId: row.task_id,
    status: row.status,
    deploymentId: row.deployment_id ?? undefined,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    attemptStartedAt: row.attempt_started_at ?? undefined,
    platformLosses: row.platform_losses,
    deferrals: row.deferrals,
    machine: row.machine ?? undefined,
    cancelRequestedAt: row.cancel_requested_at ?? undefined,
  };
}

/** Marks the intent to cancel, once, and sets the timer that forces it. */
export async function requestCancel(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
  reason: string | undefined,
  forceAfterMs: number,
): Promise<{ state: "idle" | "unknown" | "ended" } | ({ state: "onWorker" } & ExecutionRef)> {
  const { rows } = await pool.query<{ execution_id: string | null; fence: string }>({
    name: "request-cancel",
    text: `
      with marked as (
        update run r set cancel_requested_at = now(), cancel_reason = $3, updated_at = now(), revision = r.revision + 1
        where r.environment_id = $1 and r.id = $2 and r.cancel_requested_at is null
        returning r.execution_id, r.fence
      ), timer as (
        insert into run_timer (due_at, kind, environment_id, run_id)
        select now() + $4 * interval '1 ms', 'forceCancel', $1, $2 from marked where execution_id is not null
      )
      select execution_id, fence::text from marked
      union all
      select r.execution_id, r.fence::text from run r
      where r.environment_id = $1 and r.id = $2 and r.cancel_requested_at is not null`,
    values: [environmentId, runId, reason ?? null, forceAfterMs],
  });
  const row = rows[0];
  if (row === undefined) return { state: (await isInHistory(pool, environmentId, runId)) ? "ended" : "unknown" };
  if (row.execution_id === null) return { state: "idle" };
  return { state: "onWorker", executionId: row.execution_id, fence: row.fence };
}

export async function isInHistory(pool: pg.Pool, environmentId: number, runId: string): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: "is-in-history",
    text: "select 1 from run_history where environment_id = $1 and id = $2 limit 1",
    values: [environmentId, runId],
  });
  return rowCount === 1;
}
