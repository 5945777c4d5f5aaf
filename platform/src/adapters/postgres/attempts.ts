import type { RunStatus } from "@gantry/sdk/contract";
import type pg from "pg";
import type {
  AdmittedRun,
  ExecutionRef,
  HeldLoss,
  LaneAnnouncement,
  RequeueRequest,
  RetryInPlaceRequest,
  RunForDecision,
} from "../../runs/run-store.ts";
import { type AdmittedRow, GRANT_COLUMNS, toAdmittedRun } from "./admission.ts";
import { ADMISSION_OF } from "./checkpoint-rows.ts";
import { lockHeld, UNQUEUE_HELD } from "./held-executions.ts";
import { ENTRY_BYTES } from "./journal-rows.ts";
import { INSERT_HOLD_EVENT, storedHold } from "./launches.ts";
import { jsonSafe, storableText } from "./storable-text.ts";
import { inTransaction } from "./transaction.ts";

/** The attempts a run remembers: the oldest are forgotten, so that a run that defers for ever stays a small row. */
const REMEMBERED = 300;
const WITH_ATTEMPT = (parameter: string) =>
  `(case when jsonb_array_length(r.attempts) >= ${REMEMBERED} then r.attempts - 0 else r.attempts end)
     || coalesce(${parameter}::jsonb, '[]')`;

/** Entries of the journal that the next attempt makes anew, of the one run of `source`; and it no longer waits. */
const REOPEN = (source: string, entries: string) => `
      reopened as (
        delete from journal_entry j using ${source} x
        where j.run_id = x.run_id and j.entry = any (${entries}::int[])
        returning ${ENTRY_BYTES("j")} as bytes
      ), recounted as (
        update run_journal g set entries = g.entries - o.n, bytes = g.bytes - o.bytes, waits_after = null
        from (
          select x.run_id, (select count(*)::int from reopened) as n,
            (select coalesce(sum(r.bytes), 0)::bigint from reopened r) as bytes
          from ${source} x
        ) o
        where g.run_id = o.run_id and (o.n > 0 or g.waits_after is not null)
      )`;

interface PutBack {
  announcement: LaneAnnouncement;
  isCanceled: boolean;
}

/**
 * Ends an execution and puts its run back: at once into its lane, or DELAYED for a while. The execution's row is the
 * gate, as in finish-runs.ts. `isCanceled`: somebody asked for its end meanwhile, and no worker is there to be told.
 */
export async function requeue(pool: pg.Pool, request: RequeueRequest): Promise<PutBack | "fenced"> {
  const put = await putBack(pool, request, false);
  if (put !== "fenced") return put;
  return inTransaction(pool, async (client) =>
    (await lockHeld(client, request.environmentId, request.execution)) ? putBack(client, request, true) : "fenced",
  );
}

/** `isHeld`: the caller has locked the PARKED execution. */
async function putBack(
  pool: pg.Pool | pg.PoolClient,
  request: RequeueRequest,
  isHeld: boolean,
): Promise<PutBack | "fenced"> {
  const hold = request.startFailure;
  const { rows } = await pool.query<{ lane_id: string; order_at: string | null; is_canceled: boolean }>({
    name: isHeld ? "requeue-held" : "requeue",
    text: `
      with ended as (
        delete from execution e where e.id = $1 and e.fence = $2 and e.environment_id = $10 and e.run_id = $11
          ${isHeld ? "" : "and e.state <> 'PARKED'"}
        returning e.id, e.run_id, e.environment_id
      ), ${isHeld ? UNQUEUE_HELD("ended") : ""} ${REOPEN("ended", "$15")}, freed as (
        delete from slot s using ended e where s.run_id = e.run_id and s.execution_id = e.id returning s.lane_id
      ), put_back as (
        update run r set
          status = (case when $3::bigint is null then 'QUEUED' else 'DELAYED' end)::run_status,
          execution_id = null, delay_until = coalesce(now() + $3 * interval '1 ms', r.delay_until), attempt = $4,
          attempts = ${WITH_ATTEMPT("$5")},
          compute_ms = r.compute_ms + $6, platform_losses = r.platform_losses + $7, deferrals = r.deferrals + $8,
          machine = coalesce($9, r.machine), attempt_started_at = null,
          start_failures = case when $12::jsonb is null then r.start_failures else least(r.start_failures + 1, 30000) end,
          -- A new attempt begins anew, whatever the last one left.
          checkpoint_id = case when $4 = r.attempt and $8 = 0 and not $16 then r.checkpoint_id end,
          hold = coalesce($12, r.hold), updated_at = now(), revision = r.revision + 1
        from ended e where r.environment_id = e.environment_id and r.id = e.run_id and r.execution_id = e.id
        returning r.id, r.environment_id, r.lane_id, r.order_at, r.delay_until, r.cancel_requested_at, r.attempt,
          r.parent_run_id, r.checkpoint_id
      ), queued as (
        insert into ready (lane_id, order_at, run_id, admission, is_root)
        select lane_id, order_at, id, ${ADMISSION_OF}, parent_run_id is null from put_back where $3 is null
      ), timer as (
        insert into run_timer (due_at, kind, environment_id, run_id)
        select delay_until, 'delay', environment_id, id from put_back where $3 is not null
      ), told as (${INSERT_HOLD_EVENT("put_back", "$13", "$14")} where $12 is not null
      )
      select coalesce(f.lane_id, p.lane_id) as lane_id, case when $3 is null then p.order_at::text end as order_at,
        p.cancel_requested_at is not null as is_canceled
      from put_back p left join freed f on true`,
    values: [
      request.execution.executionId,
      request.execution.fence,
      request.delayMs === undefined ? null : Math.round(request.delayMs),
      request.nextAttempt,
      request.attempt === undefined ? null : JSON.stringify(jsonSafe(request.attempt)),
      Math.round(request.computeMs),
      request.lost ? 1 : 0,
      request.deferred ? 1 : 0,
      request.machine ?? null,
      request.environmentId,
      request.runId,
      hold === undefined ? null : JSON.stringify(storedHold(hold)),
      hold?.code ?? null,
      hold === undefined ? null : storableText(hold.message),
      request.reopen ?? [],
      request.dropsCheckpoint ?? false,
    ],
  });
  const row = rows[0];
  if (row === undefined) return "fenced";
  return {
    announcement: { environmentId: request.environmentId, laneId: row.lane_id, orderAt: row.order_at ?? undefined },
    isCanceled: row.is_canceled,
  };
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
    request.reopen ?? [],
  ];
  const { rows } = await pool.query<AdmittedRow>({
    name: "retry-in-place",
    text: `
      with current as (
        update execution e set attempt = $6 from run q
        where e.id = $3 and e.fence = $4 and e.state <> 'PARKED'
          -- Repeated, it must not take from the journal what the new attempt has made.
          and q.environment_id = $1 and q.id = $2 and q.attempt = $5 and q.execution_id = e.id
        returning e.id, e.run_id
      ), ${REOPEN("current", "$11")}
      update run r set attempt = $6, checkpoint_id = null, attempts = ${WITH_ATTEMPT("$7")}, compute_ms = r.compute_ms + $8,
        deferrals = r.deferrals + $9, attempt_started_at = now() + $10 * interval '1 ms', updated_at = now(),
        revision = r.revision + 1
      from current c
      where r.environment_id = $1 and r.id = $2 and r.execution_id = c.id and r.attempt = $5
      returning true as direct, ${GRANT_COLUMNS}`,
    values,
  });
  if (rows[0] !== undefined) return toAdmittedRun(rows[0]);
  const again = await runOnWorker(pool, request.environmentId, request.runId, request.execution);
  return again?.attempt === request.nextAttempt ? again : undefined;
}

/** The run as this execution has it now, for a grant that must be given again; undefined where it is fenced. */
export async function runOnWorker(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
  execution: ExecutionRef,
): Promise<AdmittedRun | undefined> {
  const { rows } = await pool.query<AdmittedRow>({
    name: "run-on-worker",
    text: `select true as direct, ${GRANT_COLUMNS} from run r
           where r.environment_id = $1 and r.id = $2 and r.execution_id = $3 and r.fence = $4`,
    values: [environmentId, runId, execution.executionId, execution.fence],
  });
  return rows[0] === undefined ? undefined : toAdmittedRun(rows[0]);
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
  held: RunForDecision["held"] | null;
  stored: HeldLoss | null;
}

export async function runForDecision(
  pool: pg.Pool,
  environmentId: number,
  execution: ExecutionRef,
): Promise<RunForDecision | undefined> {
  const { rows } = await pool.query<DecisionRow>({
    name: "run-for-decision",
    text: `select r.id, r.environment_id, r.task_id, r.status, r.deployment_id, r.attempt, r.max_attempts,
             r.attempt_started_at, r.platform_losses, r.deferrals, r.machine, r.cancel_requested_at,
             case when e.park is not null then
               coalesce(e.park -> 'ifLost', '{"then": "fail"}') || jsonb_build_object('hasSlot', e.state <> 'PARKED') end as held,
             case when r.checkpoint_id is not null then coalesce(c.if_lost, '{"then": "fail"}') end as stored
           from execution e join run r on r.environment_id = e.environment_id and r.id = e.run_id
           left join checkpoint c on c.id = r.checkpoint_id
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
    held: row.held ?? undefined,
    stored: row.stored ?? undefined,
  };
}

/**
 * Marks the intent to cancel, once, and sets the timer that forces it: also for a run on no worker, which may be
 * admitted before it is ended.
 */
export async function requestCancel(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
  reason: string | undefined,
  forceAfterMs: number,
): Promise<{ state: "idle" | "unknown" | "ended" } | ({ state: "onWorker"; isStarted: boolean } & ExecutionRef)> {
  const { rows } = await pool.query<{ execution_id: string | null; fence: string; is_started: boolean }>({
    name: "request-cancel",
    text: `
      with marked as (
        update run r set cancel_requested_at = now(), cancel_reason = $3, updated_at = now(), revision = r.revision + 1
        where r.environment_id = $1 and r.id = $2 and r.cancel_requested_at is null
        returning r.execution_id, r.fence, r.status
      ), timer as (
        insert into run_timer (due_at, kind, environment_id, run_id)
        select now() + $4 * interval '1 ms', 'forceCancel', $1, $2 from marked
      )
      select execution_id, fence::text, status <> 'DEQUEUED' as is_started from marked
      union all
      select r.execution_id, r.fence::text, r.status <> 'DEQUEUED' from run r
      where r.environment_id = $1 and r.id = $2 and r.cancel_requested_at is not null`,
    values: [environmentId, runId, reason === undefined ? null : storableText(reason), forceAfterMs],
  });
  const row = rows[0];
  if (row === undefined) return { state: (await isInHistory(pool, environmentId, runId)) ? "ended" : "unknown" };
  if (row.execution_id === null) return { state: "idle" };
  return { state: "onWorker", executionId: row.execution_id, fence: row.fence, isStarted: row.is_started };
}

/** Live runs below a run, as far as live runs connect them: its children, then theirs, and so on. */
export async function openDescendants(pool: pg.Pool, environmentId: number, runId: string): Promise<string[][]> {
  const { rows } = await pool.query<{ id: string; depth: number }>({
    name: "open-descendants",
    text: `
      with recursive below as (
        select r.id, r.depth from run r where r.parent_run_id = $2 and r.environment_id = $1
        union
        select r.id, r.depth from below b join run r on r.parent_run_id = b.id and r.environment_id = $1
      )
      select id, depth from below order by depth`,
    values: [environmentId, runId],
  });
  return [...Map.groupBy(rows, ({ depth }) => depth).values()].map((level) => level.map(({ id }) => id));
}

export async function isInHistory(pool: pg.Pool, environmentId: number, runId: string): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: "is-in-history",
    text: "select 1 from run_history where environment_id = $1 and id = $2 limit 1",
    values: [environmentId, runId],
  });
  return rowCount === 1;
}
