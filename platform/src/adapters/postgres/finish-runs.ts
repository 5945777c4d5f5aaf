import type pg from "pg";
import { errorFingerprint } from "../../insights/error-fingerprint.ts";
import type { ExecutionRef, FinishedRun, FinishRequest } from "../../runs/run-store.ts";
import { lockHeld, UNQUEUE_HELD } from "./held-executions.ts";
import { jsonSafe } from "./storable-text.ts";
import { inTransaction } from "./transaction.ts";

const INPUT = `
with input as materialized (
  select i.*, o.data as output
  from json_to_recordset($1) as i (
    ord int, environment_id int, run_id uuid, execution_id uuid, fence bigint, only_starting boolean, only_unstarted boolean,
    only_pending boolean,
    status run_status,
    output_type text, error jsonb, fingerprint text, attempt jsonb, compute_ms bigint, hook boolean)
  join unnest($2::bytea[]) with ordinality as o (data, n) on o.n = i.ord
)`;

/** Moves what \`gone\` deleted into history, clears the keys of what failed, and leaves the hook to run. */
const ARCHIVE = `
archived as (
  insert into run_history (
    environment_id, id, finished_at, task_id, status, revision, queue_id, concurrency_key, priority_ms, created_at,
    started_at, delay_until, ttl_ms, deployment_id, requested_version, attempt, max_attempts, attempts, platform_losses,
    deferrals, cancel_requested_at, cancel_reason, idempotency_key, idempotency_options, parent_run_id, root_run_id,
    depth, batch_id, replayed_from_id, machine, max_duration_ms, compute_ms, is_test, tags, payload, payload_type,
    metadata, metadata_type, output, output_type, error, has_journal, error_fingerprint)
  select
    g.environment_id, g.id, now(), g.task_id, g.final_status, g.revision + 1, g.queue_id, g.concurrency_key, g.priority_ms,
    g.created_at, g.started_at, g.delay_until, g.ttl_ms, g.deployment_id, g.requested_version, g.attempt, g.max_attempts,
    case when g.last_attempt is null then g.attempts else g.attempts || g.last_attempt end, g.platform_losses, g.deferrals,
    g.cancel_requested_at, g.cancel_reason, g.idempotency_key, g.idempotency_options, g.parent_run_id, g.root_run_id,
    g.depth, g.batch_id, g.replayed_from_id, g.machine, g.max_duration_ms, g.compute_ms + coalesce(g.last_compute_ms, 0),
    g.is_test, g.tags, g.payload, g.payload_type, g.metadata, g.metadata_type, g.output, g.output_type, g.final_error,
    g.has_journal, left(md5(g.task_id || '/' || g.fingerprint), 16)
  from gone g
), cleared as (
  delete from idempotency k using gone g
  where g.idempotency_key is not null and g.final_status <> 'COMPLETED'
    -- A due time of a schedule has one run, whatever becomes of it.
    and g.idempotency_key not like 'gantry.schedule/%'
    -- A run is replayed once by a bulk action, also where that has to ask again.
    and g.idempotency_key not like 'gantry.bulk/%'
    and k.environment_id = g.environment_id and k.task_id = g.task_id
    and k.key = sha256(convert_to(g.idempotency_key, 'UTF8')) and k.run_id = g.id
), hooks as (
  insert into failure_hook (run_id, environment_id, deployment_id, finished_at, status, error)
  -- A run that never started is locked to no version: the current one has its hook. Most tasks have none.
  select g.id, g.environment_id, t.deployment_id, now(), g.final_status, coalesce(g.final_error, '{}')
  from gone g
  join environment e on e.id = g.environment_id
  join task_definition t on t.deployment_id = coalesce(g.deployment_id, e.current_deployment_id) and t.task_id = g.task_id
  where g.hook and t.declaration @> '{"hasOnFailure": true}'
)`;

const GONE_COLUMNS = `r.*, i.ord, i.status as final_status, i.output, i.output_type, i.error as final_error, i.fingerprint,
  i.attempt as last_attempt, i.compute_ms as last_compute_ms, i.hook`;

/**
 * Ends runs that are on a worker. The execution's row is the gate: whoever deletes it, with the right fence, ends the
 * run; everybody else finds nothing.
 */
const FINISH_ON_WORKER = (also = "") => `${INPUT}, ended as (
  delete from execution e using input i
  where e.id = i.execution_id and e.fence = i.fence and e.run_id = i.run_id and e.environment_id = i.environment_id
    and not (i.only_starting and e.state <> 'STARTING')
  returning e.id, e.run_id, e.environment_id
), ${also} freed as (
  delete from slot s using ended e where s.run_id = e.run_id and s.execution_id = e.id
  returning s.run_id, s.environment_id, s.lane_id
), gone as (
  delete from run r using ended e, input i
  where i.execution_id = e.id and r.environment_id = i.environment_id and r.id = e.run_id and r.execution_id = e.id
  returning ${GONE_COLUMNS}
), ${ARCHIVE}
select g.id as run_id, f.environment_id, f.lane_id, g.awaited or g.has_journal as is_settling
from gone g left join freed f on f.run_id = g.id`;

/** Its execution is locked before; see held-executions.ts. */
const FINISH_HELD = FINISH_ON_WORKER(UNQUEUE_HELD("ended"));

/** Ends runs that are on no worker. For a queued one its ready row is the gate, as it is for admission. */
const FINISH_IDLE = `${INPUT}, unqueued as (
  delete from ready d using run r, input i
  where r.environment_id = i.environment_id and r.id = i.run_id and r.status = 'QUEUED' and r.execution_id is null
    and not (i.only_unstarted and r.started_at is not null) and not i.only_pending
    and d.lane_id = r.lane_id and d.order_at = r.order_at and d.run_id = r.id
  returning d.run_id
), gone as (
  -- Joined, and not looked up by a subquery: a run that somebody changes meanwhile is looked at again, and a subquery would then
  -- have to delete anew, which Postgres refuses.
  delete from run r using input i left join unqueued u on u.run_id = i.run_id
  where r.environment_id = i.environment_id and r.id = i.run_id and r.execution_id is null
    and not (i.only_unstarted and r.started_at is not null)
    and (r.status = 'PENDING_VERSION' or (r.status in ('DELAYED', 'WAITING') and not i.only_pending) or u.run_id is not null)
  returning ${GONE_COLUMNS}
), unpended as (
  delete from pending_version p using gone g where p.environment_id = g.environment_id and p.run_id = g.id
), ${ARCHIVE}
select g.id as run_id, null::int as environment_id, null::bigint as lane_id, g.awaited or g.has_journal as is_settling
from gone g`;

interface Row {
  run_id: string;
  environment_id: number | null;
  lane_id: string | null;
  is_settling: boolean;
}

/** Others wait for it, or its journal is to be moved: the wake loop has work. */
export type Finished = FinishedRun & { isSettling: boolean };

/** Ends runs in one statement: all of them are on workers, or none is. */
export async function finishRuns(pool: pg.Pool, requests: FinishRequest[]): Promise<Finished[]> {
  const isOnWorker = requests[0]?.execution !== undefined;
  return finishBy(pool, requests, isOnWorker ? "finish-on-worker" : "finish-idle");
}

const STATEMENTS = {
  "finish-on-worker": FINISH_ON_WORKER(),
  "finish-idle": FINISH_IDLE,
  "finish-held": FINISH_HELD,
};

/** Ends a run whose worker may be held. */
export async function finishHeld(
  pool: pg.Pool,
  request: FinishRequest & { execution: ExecutionRef },
): Promise<Finished[]> {
  return inTransaction(pool, async (client) =>
    (await lockHeld(client, request.environmentId, request.execution))
      ? finishBy(client, [request], "finish-held")
      : [],
  );
}

async function finishBy(
  pool: pg.Pool | pg.PoolClient,
  requests: FinishRequest[],
  name: keyof typeof STATEMENTS,
): Promise<Finished[]> {
  const { rows } = await pool.query<Row>({
    name,
    text: STATEMENTS[name],
    values: [JSON.stringify(requests.map(toInput)), requests.map((request) => request.output?.data ?? null)],
  });
  return rows.map((row) => ({
    runId: row.run_id,
    isSettling: row.is_settling,
    announcement:
      row.lane_id === null || row.environment_id === null
        ? undefined
        : { environmentId: row.environment_id, laneId: row.lane_id, orderAt: undefined },
  }));
}

function toInput(request: FinishRequest, index: number): Record<string, unknown> {
  return {
    ord: index + 1,
    environment_id: request.environmentId,
    run_id: request.runId,
    execution_id: request.execution?.executionId,
    fence: request.execution?.fence,
    only_starting: request.onlyStarting ?? false,
    only_unstarted: request.onlyUnstarted ?? false,
    only_pending: request.onlyPending ?? false,
    status: request.status,
    output_type: request.output?.type,
    error: jsonSafe(request.error),
    fingerprint: errorFingerprint(request.status, request.error),
    attempt: jsonSafe(request.attempt),
    compute_ms: Math.round(request.computeMs ?? 0),
    hook: request.failureHook ?? false,
  };
}
