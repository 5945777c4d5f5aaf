import type { RunStatus, WireError } from "@gantry/sdk/contract";
import type pg from "pg";
import { encodeId, uuidTime } from "../../ids.ts";
import type { AttemptRecord, PageRequest, RunDetail, RunFilter } from "../../runs/run.ts";
import { runChoices } from "./run-choices.ts";
import { binder, foundRuns } from "./run-selection.ts";

export interface RunRow {
  id: string;
  task_id: string;
  status: RunStatus;
  version: string | null;
  queue: string;
  concurrency_key: string;
  idempotency_key: string | null;
  machine: string | null;
  is_test: boolean;
  tags: string[];
  priority_ms: number;
  created_at: Date;
  updated_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  delay_until: Date | null;
  ttl_ms: string | null;
  compute_ms: string;
  depth: number;
  parent_run_id: string | null;
  root_run_id: string | null;
  batch_id: string | null;
  attempt: number;
  max_attempts: number;
  revision: number;
  max_duration_ms: string | null;
  cancel_requested_at: Date | null;
  replayed_from_id: string | null;
  attempts: AttemptRecord[];
  payload: Buffer | null;
  payload_type: string | null;
  metadata: Buffer | null;
  metadata_type: string | null;
  output: Buffer | null;
  output_type: string | null;
  error: WireError | null;
}

const SHARED = `r.environment_id, r.id, r.task_id, r.status, r.queue_id, r.concurrency_key, r.idempotency_key, r.machine,
  r.is_test, r.tags, r.priority_ms, r.created_at, r.started_at, r.delay_until, r.ttl_ms, r.compute_ms, r.depth,
  r.parent_run_id, r.root_run_id, r.batch_id, r.attempt, r.max_attempts, r.revision, r.max_duration_ms,
  r.cancel_requested_at, r.replayed_from_id, r.attempts, r.metadata, r.metadata_type, r.deployment_id,
  r.requested_version`;
export const LIVE = `${SHARED}, r.updated_at, null::timestamptz as finished_at, null::text as output_type, null::jsonb as error`;
export const ENDED = `${SHARED}, r.finished_at as updated_at, r.finished_at, r.output_type, r.error`;
export const NAMES = `left join queue q on q.id = x.queue_id left join deployment d on d.id = x.deployment_id`;
export const SHOWN = `x.*, q.name as queue, coalesce(d.version, x.requested_version) as version`;

export async function retrieveRun(pool: pg.Pool, environmentId: number, runId: string): Promise<RunDetail | undefined> {
  const { rows } = await pool.query<RunRow>({
    name: "retrieve-run",
    text: `
      with x as (
        select ${LIVE}, r.payload, r.payload_type, null::bytea as output from run r
        where r.environment_id = $1 and r.id = $2
        union all
        -- A run cannot have ended before it was made: older partitions are not asked.
        select ${ENDED}, r.payload, r.payload_type, r.output from run_history r
        where r.environment_id = $1 and r.id = $2 and r.finished_at >= $3
      )
      select ${SHOWN} from x ${NAMES} limit 1`,
    values: [environmentId, runId, madeAt(runId)],
  });
  return rows[0] === undefined ? undefined : toDetail(rows[0]);
}

/** A day's grace: its id has the time of the platform that made it, its end the database's. */
export const madeAt = (runId: string) => new Date(uuidTime(runId) - 24 * 3600_000);

/** Newest first, live and ended together; payloads and outputs are left out. One row more than asked says that there is more. */
export async function listRuns(
  pool: pg.Pool,
  environmentId: number,
  filter: RunFilter,
  page: PageRequest,
): Promise<RunDetail[]> {
  const values: unknown[] = [environmentId];
  const found = foundRuns(await runChoices(pool, environmentId, filter), page, binder(values), page.size + 1);
  if (found === undefined) return [];
  const { rows } = await pool.query<RunRow>({
    text: `
      with f as materialized (${found}), x as (
        select ${LIVE} from f join run r on r.environment_id = $1 and r.id = f.id where f.finished_at is null
        union all
        select ${ENDED} from f join run_history r
          on r.environment_id = $1 and r.id = f.id and r.finished_at = f.finished_at
      )
      select ${SHOWN}, null::bytea as payload, null::text as payload_type, null::bytea as output
      from x ${NAMES} order by x.id ${page.before === undefined ? "desc" : "asc"}`,
    values,
  });
  return rows.map(toDetail);
}

export function toDetail(row: RunRow): RunDetail {
  const id = (prefix: "run" | "batch", uuid: string | null) => (uuid === null ? undefined : encodeId(prefix, uuid));
  return {
    id: encodeId("run", row.id),
    taskId: row.task_id,
    status: row.status,
    version: row.version ?? undefined,
    queue: row.queue,
    concurrencyKey: row.concurrency_key === "" ? undefined : row.concurrency_key,
    idempotencyKey: row.idempotency_key ?? undefined,
    machine: row.machine ?? undefined,
    isTest: row.is_test,
    tags: row.tags,
    priority: row.priority_ms / 1000,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    delayedUntil: row.delay_until ?? undefined,
    ttlMs: row.ttl_ms === null ? undefined : Number(row.ttl_ms),
    expiredAt: row.status === "EXPIRED" ? (row.finished_at ?? undefined) : undefined,
    computeMs: Number(row.compute_ms),
    depth: row.depth,
    parentRunId: id("run", row.parent_run_id),
    rootRunId: id("run", row.root_run_id),
    batchId: id("batch", row.batch_id),
    attemptCount: row.attempt,
    maxAttempts: row.max_attempts,
    revision: row.revision,
    payload: { data: row.payload ?? Buffer.alloc(0), type: row.payload_type ?? "application/json" },
    output: row.output_type === null ? undefined : { data: row.output ?? Buffer.alloc(0), type: row.output_type },
    metadata: row.metadata === null ? undefined : { data: row.metadata, type: row.metadata_type ?? "application/json" },
    error: row.error ?? undefined,
    attempts: row.attempts,
    cancelRequestedAt: row.cancel_requested_at ?? undefined,
    maxDurationMs: row.max_duration_ms === null ? undefined : Number(row.max_duration_ms),
    replayedFromRunId: id("run", row.replayed_from_id),
  };
}
