import type pg from "pg";
import { BatchItemKnown, type InsertedRun, type NewRun } from "../../runs/run-store.ts";
import { REACH_LANES } from "./reach-lanes.ts";

/**
 * Inserts runs, their places in their lanes, and what goes with them, in one statement.
 *
 * A plain trigger writes two tuples (run, ready) and three index entries; batch membership, an idempotency key, a delay
 * or a ttl add one tuple each. Lanes are read without locks and made only where they are absent. A key that stands for
 * another run returns that run, and inserts nothing.
 */
const INSERT = `
with input as materialized (
  select i.*, sha256(convert_to(i.idempotency_key, 'UTF8')) as key_hash, p.data as payload, m.data as metadata
  from json_to_recordset($1) as i (
    ord int, id uuid, environment_id int, task_id text, status run_status, queue_id int, concurrency_key text,
    priority_ms int, max_attempts int, payload_type text, delay_until timestamptz, ttl_ms bigint, deployment_id uuid,
    requested_version text, idempotency_key text, idempotency_ttl_ms bigint, idempotency_options jsonb,
    parent_run_id uuid, root_run_id uuid, depth int, batch_id uuid, item int, replayed_from_id uuid, machine text,
    max_duration_ms bigint, is_test boolean, tags json, metadata_type text)
  join unnest($2::bytea[]) with ordinality as p (data, n) on p.n = i.ord
  join unnest($3::bytea[]) with ordinality as m (data, n) on m.n = i.ord
), claim as (
  insert into idempotency as k (environment_id, task_id, key, run_id, expires_at)
  select distinct on (i.environment_id, i.task_id, i.key_hash)
    i.environment_id, i.task_id, i.key_hash, i.id, now() + i.idempotency_ttl_ms * interval '1 ms'
  from input i where i.key_hash is not null
  order by i.environment_id, i.task_id, i.key_hash, i.ord
  on conflict (environment_id, task_id, key) do update set
    run_id = case when k.expires_at <= now() then excluded.run_id else k.run_id end,
    expires_at = case when k.expires_at <= now() then excluded.expires_at else k.expires_at end
  returning k.environment_id, k.task_id, k.key, k.run_id
), outcome as materialized (
  select i.ord, coalesce(c.run_id, i.id) as run_id, coalesce(c.run_id <> i.id, false) as is_cached
  from input i left join claim c
    on c.environment_id = i.environment_id and c.task_id = i.task_id and c.key = i.key_hash
), fresh as materialized (
  select i.* from input i join outcome o on o.ord = i.ord where not o.is_cached
), wanted as materialized (
  select distinct environment_id, queue_id, concurrency_key from fresh where status = 'QUEUED'
), ${REACH_LANES}, placed as materialized (
  select f.*, l.id as lane_id,
    -- Runs of one statement keep their order.
    case when f.status = 'QUEUED' then now() - f.priority_ms * interval '1 ms' + f.ord * interval '1 us' end as order_at
  from fresh f left join reached l
    on f.status = 'QUEUED' and l.queue_id = f.queue_id and l.concurrency_key = f.concurrency_key
), runs as (
  insert into run (
    environment_id, id, task_id, status, queue_id, concurrency_key, lane_id, order_at, priority_ms, delay_until, ttl_ms,
    deployment_id, requested_version, max_attempts, idempotency_key, idempotency_options, parent_run_id, root_run_id,
    depth, batch_id, replayed_from_id, machine, max_duration_ms, is_test, tags, payload, payload_type, metadata,
    metadata_type)
  select
    environment_id, id, task_id, status, queue_id, concurrency_key, lane_id, order_at, priority_ms, delay_until, ttl_ms,
    deployment_id, requested_version, max_attempts, idempotency_key, idempotency_options, parent_run_id, root_run_id,
    depth, batch_id, replayed_from_id, machine, max_duration_ms, is_test,
    case when tags is null then '{}' else array(select json_array_elements_text(tags)) end,
    payload, payload_type, metadata, metadata_type
  from placed
), queued as (
  insert into ready (lane_id, order_at, run_id, is_root)
  select lane_id, order_at, id, parent_run_id is null from placed where status = 'QUEUED'
), timers as (
  insert into run_timer (due_at, kind, environment_id, run_id)
  select delay_until, 'delay'::timer_kind, environment_id, id from placed where status = 'DELAYED'
  union all
  -- A run's time to live begins when it may first start.
  select coalesce(delay_until, now()) + ttl_ms * interval '1 ms', 'ttl'::timer_kind, environment_id, id
  from placed where ttl_ms is not null
  union all
  select now() + $4::bigint * interval '1 ms', 'pendingVersion'::timer_kind, environment_id, id
  from placed where status = 'PENDING_VERSION'
), pending as (
  insert into pending_version (environment_id, run_id, version)
  select environment_id, id, requested_version from placed where status = 'PENDING_VERSION'
), items as (
  insert into batch_item (batch_id, item, run_id)
  -- An item that has come meanwhile fails the statement: see BatchItemKnown.
  select i.batch_id, i.item, o.run_id from input i join outcome o on o.ord = i.ord where i.batch_id is not null
)
select o.ord, o.run_id, o.is_cached, p.environment_id, p.lane_id, p.order_at::text as order_at
from outcome o left join placed p on p.ord = o.ord
order by o.ord`;

interface Row {
  ord: number;
  run_id: string;
  is_cached: boolean;
  environment_id: number | null;
  lane_id: string | null;
  order_at: string | null;
}

export async function insertRuns(pool: pg.Pool, runs: NewRun[], pendingVersionMs: number): Promise<InsertedRun[]> {
  const { rows } = await query(pool, {
    name: "insert-runs",
    text: INSERT,
    values: [
      JSON.stringify(runs.map(toInput)),
      runs.map((run) => run.payload.data),
      runs.map((run) => run.metadata?.data ?? null),
      pendingVersionMs,
    ],
  });
  return rows.map((row) => ({
    runId: row.run_id,
    isCached: row.is_cached,
    announcement:
      row.lane_id === null || row.environment_id === null
        ? undefined
        : { environmentId: row.environment_id, laneId: row.lane_id, orderAt: row.order_at ?? undefined },
  }));
}

async function query(pool: pg.Pool, statement: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
  try {
    return await pool.query<Row>(statement);
  } catch (error) {
    if ((error as { constraint?: unknown }).constraint === "batch_item_pkey") {
      throw new BatchItemKnown("an item of the batch has come before", { cause: error });
    }
    throw error;
  }
}

function toInput(run: NewRun, index: number): Record<string, unknown> {
  return {
    ord: index + 1,
    id: run.id,
    environment_id: run.environmentId,
    task_id: run.taskId,
    status: run.status,
    queue_id: run.queueId,
    concurrency_key: run.concurrencyKey,
    priority_ms: run.priorityMs,
    max_attempts: run.maxAttempts,
    payload_type: run.payload.type,
    delay_until: run.delayUntil?.toISOString(),
    ttl_ms: run.ttlMs,
    deployment_id: run.deploymentId,
    requested_version: run.requestedVersion,
    idempotency_key: run.idempotencyKey,
    idempotency_ttl_ms: run.idempotencyTtlMs,
    idempotency_options: run.idempotencyOptions,
    parent_run_id: run.parentRunId,
    root_run_id: run.rootRunId,
    depth: run.depth,
    batch_id: run.batch?.id,
    item: run.batch?.item,
    replayed_from_id: run.replayedFromId,
    machine: run.machine,
    max_duration_ms: run.maxDurationMs,
    is_test: run.isTest,
    tags: run.tags.length === 0 ? undefined : run.tags,
    metadata_type: run.metadata?.type,
  };
}
