import type pg from "pg";
import type { AwaitedExecution, ExecutionRef, Hold, LiveExecution } from "../../runs/run-store.ts";
import { storableText } from "./storable-text.ts";

/** What stands between an admission and its worker: who waits for one, which pod is bound to whom, why none comes. */

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Whoever admitted an execution launches its worker at once: another platform looks after it only where that has failed. */
const UNLAUNCHED = " and e.created_at < now() - interval '3 seconds'";

export async function awaitedExecutions(pool: pg.Pool, which: "each" | "onePerVersion"): Promise<AwaitedExecution[]> {
  const { rows } = await pool.query<{
    id: string;
    fence: string;
    run_id: string;
    environment_id: number;
    deployment_id: string;
    task_id: string;
    attempt: number;
    machine: string | null;
    has_checkpoint: boolean;
    start_deadline_at: Date;
  }>({
    name: `awaited-executions-${which}`,
    text: `select ${which === "each" ? "" : "distinct on (e.deployment_id)"} e.id, e.fence::text, e.run_id, e.environment_id,
             e.deployment_id, r.task_id, e.attempt, r.machine, r.checkpoint_id is not null as has_checkpoint,
             e.start_deadline_at
           from execution e join run r on r.environment_id = e.environment_id and r.id = e.run_id and r.execution_id = e.id
           where e.state = 'STARTING' and e.start_deadline_at > now()${which === "each" ? UNLAUNCHED : ""}
           order by ${which === "each" ? "" : "e.deployment_id, "}e.created_at`,
  });
  return rows.map((row) => ({
    executionId: row.id,
    fence: row.fence,
    runId: row.run_id,
    environmentId: row.environment_id,
    deploymentId: row.deployment_id,
    taskId: row.task_id,
    attempt: row.attempt,
    machine: row.machine ?? undefined,
    hasCheckpoint: row.has_checkpoint,
    startDeadlineAt: row.start_deadline_at,
  }));
}

export async function executionById(pool: pg.Pool, executionId: string): Promise<LiveExecution | undefined> {
  if (!UUID.test(executionId)) return undefined;
  const { rows } = await pool.query<{
    fence: string;
    environment_id: number;
    run_id: string;
    is_started: boolean;
    start_failures: number;
    hold: Hold | null;
  }>({
    name: "execution-by-id",
    text: `select e.fence::text, e.environment_id, e.run_id, e.state <> 'STARTING' as is_started, r.start_failures, r.hold
           from execution e join run r on r.environment_id = e.environment_id and r.id = e.run_id and r.execution_id = e.id
           where e.id = $1`,
    values: [executionId],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    executionId,
    fence: row.fence,
    environmentId: row.environment_id,
    runId: row.run_id,
    isStarted: row.is_started,
    startFailures: row.start_failures,
    hold: row.hold ?? undefined,
  };
}

export async function liveAmong(pool: pg.Pool, executionIds: string[]): Promise<Set<string>> {
  const known = executionIds.filter((id) => UUID.test(id));
  if (known.length === 0) return new Set();
  const { rows } = await pool.query<{ id: string }>({
    name: "live-among",
    text: `select e.id from execution e where e.id = any ($1::uuid[])
           union all select h.execution_id from failure_hook h where h.execution_id = any ($1::uuid[])`,
    values: [known],
  });
  return new Set(rows.map((row) => row.id));
}

/** The first pod's nonce stays: the same pod may ask again, also after it has started. */
export async function bindWorker(
  pool: pg.Pool,
  environmentId: number,
  executionId: string,
  nonceHash: Buffer,
): Promise<{ taskId: string; machine: string | undefined } | "used" | undefined> {
  const { rows } = await pool.query<{ task_id: string; machine: string | null; is_bound: boolean }>({
    name: "bind-worker",
    text: `
      with waiting as (
        update execution e set bootstrap_nonce = coalesce(e.bootstrap_nonce, $3)
        where e.id = $2 and e.environment_id = $1
          and (e.bootstrap_nonce is not null or (e.state = 'STARTING' and e.start_deadline_at > now()))
        returning e.run_id, e.bootstrap_nonce = $3 as is_bound
      ), hook as (
        update failure_hook h set bootstrap_nonce = coalesce(h.bootstrap_nonce, $3)
        where h.execution_id = $2 and h.environment_id = $1
        returning h.run_id, h.finished_at, h.bootstrap_nonce = $3 as is_bound
      )
      select r.task_id, r.machine, w.is_bound from waiting w join run r on r.environment_id = $1 and r.id = w.run_id
      union all
      select r.task_id, r.machine, h.is_bound
      from hook h join run_history r on r.environment_id = $1 and r.id = h.run_id and r.finished_at = h.finished_at`,
    values: [environmentId, executionId, nonceHash],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  return row.is_bound ? { taskId: row.task_id, machine: row.machine ?? undefined } : "used";
}

/** One statement: the note and its event, or neither. */
export async function noteHold(
  pool: pg.Pool,
  { executionId, fence, environmentId, runId }: ExecutionRef & { environmentId: number; runId: string },
  hold: Hold,
): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: "note-hold",
    text: `
      with held as (
        update run r set hold = $5, updated_at = now(), revision = r.revision + 1
        from execution e
        where e.id = $1 and e.fence = $2 and r.environment_id = $3 and r.id = $4 and r.execution_id = e.id
          and (r.hold is null or r.hold ->> 'code' <> $6 or r.hold ->> 'message' <> $7)
        returning r.id, r.environment_id, r.attempt
      )
      ${INSERT_HOLD_EVENT("held", "$6", "$7")}`,
    values: [
      executionId,
      fence,
      environmentId,
      runId,
      JSON.stringify(storedHold(hold)),
      hold.code,
      storableText(hold.message),
    ],
  });
  return rowCount === 1;
}

/** An event about the run of `source` (id, environment_id, attempt) that says why no worker comes. */
export const INSERT_HOLD_EVENT = (source: string, code: string, message: string) => `
  insert into run_event (run_id, environment_id, at, attempt, kind, level, message, data)
  select s.id, s.environment_id, now(), greatest(s.attempt, 1), 'event', 'warn', ${code}::text || ': ' || ${message}::text,
    json_build_object('code', ${code}::text)::text
  from ${source} s`;

export function storedHold(hold: Hold): Hold {
  return { code: hold.code, message: storableText(hold.message) };
}
