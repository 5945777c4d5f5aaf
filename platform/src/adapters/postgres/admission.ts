import type pg from "pg";
import type { AdmittedRun, LaneAnnouncement } from "../../runs/run-store.ts";

/** A row of the function `admit` and of the statements that start or retry an execution: what a grant needs. */
export interface AdmittedRow {
  run_id: string | null;
  execution_id: string;
  fence: string;
  direct: boolean;
  deployment_id: string;
  task_id: string;
  queue_id: number;
  attempt: number;
  max_attempts: number;
  payload: Buffer;
  payload_type: string;
  metadata: Buffer | null;
  tags: string[];
  is_test: boolean;
  created_at: Date;
  started_at: Date | null;
  idempotency_key: string | null;
  max_duration_ms: string | null;
  compute_ms: string;
  priority_ms: number;
  concurrency_key: string;
  parent_run_id: string | null;
  root_run_id: string | null;
  depth: number;
  batch_id: string | null;
  machine: string | null;
  resumes: boolean;
  has_journal: boolean;
  has_checkpoint: boolean;
}

/** The same columns from a run's own row `r`; the statement adds `direct`. Only admission resumes a run in place. */
export const GRANT_COLUMNS = `r.id as run_id, r.execution_id, r.fence::text as fence, r.deployment_id, r.task_id, r.queue_id,
  r.attempt, r.max_attempts, r.payload, r.payload_type, r.metadata, r.tags, r.is_test, r.created_at, r.started_at,
  r.idempotency_key, r.max_duration_ms, r.compute_ms, r.priority_ms, r.concurrency_key, r.parent_run_id, r.root_run_id,
  r.depth, r.batch_id, r.machine, false as resumes, r.has_journal,
  r.checkpoint_id is not null as has_checkpoint`;

export function toAdmittedRun(row: AdmittedRow): AdmittedRun {
  return {
    runId: row.run_id as string,
    executionId: row.execution_id,
    fence: row.fence,
    direct: row.direct,
    resumes: row.resumes,
    hasJournal: row.has_journal,
    hasCheckpoint: row.has_checkpoint,
    deploymentId: row.deployment_id,
    taskId: row.task_id,
    queueId: row.queue_id,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    payload: { data: row.payload, type: row.payload_type },
    metadata: row.metadata ?? undefined,
    tags: row.tags,
    isTest: row.is_test,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    idempotencyKey: row.idempotency_key ?? undefined,
    maxDurationMs: row.max_duration_ms === null ? undefined : Number(row.max_duration_ms),
    computeMs: Number(row.compute_ms),
    priorityMs: row.priority_ms,
    concurrencyKey: row.concurrency_key === "" ? undefined : row.concurrency_key,
    parentRunId: row.parent_run_id ?? undefined,
    rootRunId: row.root_run_id ?? undefined,
    depth: row.depth,
    batchId: row.batch_id ?? undefined,
    machine: row.machine ?? undefined,
  };
}

/** Calls the database's `admit_runs` (prisma/migrations): one call, all limits, one admission per environment at a time. */
export async function admit(
  pool: pg.Pool,
  environmentId: number,
  n: number,
  announcements: LaneAnnouncement[],
  warm: ReadonlyMap<string, number>,
  timing: { leaseTtlMs: number; startDeadlineMs: number },
): Promise<AdmittedRun[] | "busy"> {
  const { rows } = await pool.query<AdmittedRow>({
    name: "admit-runs",
    text: "select * from admit_runs($1, $2, $3::bigint[], $4::timestamptz[], $5::jsonb, $6, $7, false, true)",
    values: [
      environmentId,
      n,
      announcements.map((announcement) => announcement.laneId),
      // Where a slot was freed the head stays where it is.
      announcements.map((announcement) => announcement.orderAt ?? "infinity"),
      JSON.stringify(Object.fromEntries(warm)),
      timing.leaseTtlMs,
      timing.startDeadlineMs,
    ],
  });
  if (rows.length === 1 && rows[0]?.run_id === null) return "busy";
  return rows.map(toAdmittedRun);
}

/** Gives executions that wait for a worker of this deployment to the worker that has come. */
export async function startExecutions(
  pool: pg.Pool,
  worker: { workerId: string; environmentId: number; deploymentId: string; executionId?: string | undefined },
  n: number,
  leaseTtlMs: number,
): Promise<AdmittedRun[]> {
  const { rows } = await pool.query<AdmittedRow>({
    name: "start-executions",
    text: `
      with chosen as materialized (
        select e.id from execution e
        where e.environment_id = $1 and e.deployment_id = $2 and e.state = 'STARTING'
          and ($3::uuid is null or e.id = $3) and e.start_deadline_at > now()
        order by e.created_at limit $4 for update skip locked
      ), begun as (
        update execution e set state = 'RUNNING', worker_id = $5, started_at = now(),
          lease_expires_at = now() + $6 * interval '1 ms'
        from chosen c where e.id = c.id
        returning e.id, e.run_id
      )
      update run r set status = 'EXECUTING', started_at = coalesce(r.started_at, now()), attempt_started_at = now(),
        start_failures = 0, hold = null, updated_at = now(), revision = r.revision + 1
      from begun b where r.environment_id = $1 and r.id = b.run_id and r.execution_id = b.id and r.status = 'DEQUEUED'
      returning true as direct, ${GRANT_COLUMNS}`,
    values: [worker.environmentId, worker.deploymentId, worker.executionId ?? null, n, worker.workerId, leaseTtlMs],
  });
  return rows.map(toAdmittedRun);
}

export async function nextTurnInMs(pool: pg.Pool, environmentId: number): Promise<number | undefined> {
  const { rows } = await pool.query<{ ms: number | null }>({
    name: "next-turn",
    // A turn that is due already waits for room, which is announced.
    text: `select greatest(0, extract(epoch from served_at - clock_timestamp()) * 1000)::float8 as ms
           from turn where environment_id = $1 and served_at > now() order by served_at limit 1`,
    values: [environmentId],
  });
  return rows[0]?.ms ?? undefined;
}
