import type pg from "pg";
import { encodeId } from "../../ids.ts";
import type { BatchDetail, Packet } from "../../runs/run.ts";

export interface NewBatch {
  id: string;
  environmentId: number;
  expectedCount: number;
  idempotencyKey: string | undefined;
  parentRunId: string | undefined;
}

export async function createBatch(pool: pg.Pool, batch: NewBatch): Promise<{ id: string; isCached: boolean }> {
  const { rows } = await pool.query<{ id: string }>({
    name: "create-batch",
    text: `insert into batch as b (id, environment_id, expected_count, idempotency_key, parent_run_id)
           values ($1, $2, $3, $4, $5)
           on conflict (environment_id, md5(idempotency_key)) where idempotency_key is not null
           do update set updated_at = b.updated_at
           returning b.id`,
    values: [
      batch.id,
      batch.environmentId,
      batch.expectedCount,
      batch.idempotencyKey ?? null,
      batch.parentRunId ?? null,
    ],
  });
  const id = rows[0]?.id ?? batch.id;
  return { id, isCached: id !== batch.id };
}

export async function batchState(
  pool: pg.Pool,
  environmentId: number,
  batchId: string,
): Promise<{ sealed: boolean; expectedCount: number } | undefined> {
  const { rows } = await pool.query<{ sealed: boolean; expected_count: number }>({
    name: "batch-state",
    text: "select sealed_at is not null as sealed, expected_count from batch where environment_id = $1 and id = $2",
    values: [environmentId, batchId],
  });
  const row = rows[0];
  return row === undefined ? undefined : { sealed: row.sealed, expectedCount: row.expected_count };
}

type BatchItem = { runId: string | undefined; error: { code: string; message: string } | undefined };

/** Which of these items have come before, and what became of them. */
export async function batchItems(pool: pg.Pool, batchId: string, items: number[]): Promise<Map<number, BatchItem>> {
  const { rows } = await pool.query<{ item: number; run_id: string | null; error: BatchItem["error"] | null }>({
    name: "batch-items",
    text: "select item, run_id, error from batch_item where batch_id = $1 and item = any ($2::int[])",
    values: [batchId, items],
  });
  return new Map(rows.map((row) => [row.item, { runId: row.run_id ?? undefined, error: row.error ?? undefined }]));
}

export async function failBatchItem(
  pool: pg.Pool,
  batchId: string,
  item: number,
  error: { code: string; message: string },
): Promise<void> {
  await pool.query({
    name: "fail-batch-item",
    text: "insert into batch_item (batch_id, item, error) values ($1, $2, $3) on conflict do nothing",
    values: [batchId, item, JSON.stringify(error)],
  });
}

export async function sealBatch(pool: pg.Pool, environmentId: number, batchId: string): Promise<void> {
  await pool.query({
    name: "seal-batch",
    // A run may wait for it already: the wake loop looks.
    text: `
      with sealed as (
        update batch set sealed_at = coalesce(sealed_at, now()), updated_at = now()
        where environment_id = $1 and id = $2 returning id, environment_id
      )
      insert into settlement (kind, id, environment_id) select 'batch', id, environment_id from sealed`,
    values: [environmentId, batchId],
  });
}

interface BatchRow {
  id: string;
  idempotency_key: string | null;
  created_at: Date;
  updated_at: Date;
  expected_count: number;
  sealed: boolean;
  run_ids: string[] | null;
  failures: { index: number; code: string; message: string }[] | null;
  live: number;
  failed: number;
  last_finished: Date | null;
}

export async function retrieveBatch(
  pool: pg.Pool,
  environmentId: number,
  batchId: string,
): Promise<BatchDetail | undefined> {
  const { rows } = await pool.query<BatchRow>({
    name: "retrieve-batch",
    text: `
      select b.id, b.idempotency_key, b.created_at, b.updated_at, b.expected_count, b.sealed_at is not null as sealed,
        i.run_ids, i.failures, i.live, i.failed, i.last_finished
      from batch b cross join lateral (
        select
          array_agg(bi.run_id order by bi.item) filter (where bi.run_id is not null) as run_ids,
          json_agg(bi.error || jsonb_build_object('index', bi.item) order by bi.item)
            filter (where bi.error is not null) as failures,
          count(r.id)::int as live,
          count(*) filter (where h.status <> 'COMPLETED')::int as failed,
          max(h.finished_at) as last_finished
        from batch_item bi
        left join run r on r.environment_id = b.environment_id and r.id = bi.run_id
        left join run_history h on h.environment_id = b.environment_id and h.id = bi.run_id and r.id is null
        where bi.batch_id = b.id
      ) i
      where b.environment_id = $1 and b.id = $2`,
    values: [environmentId, batchId],
  });
  const row = rows[0];
  return row === undefined ? undefined : toBatchDetail(row);
}

function toBatchDetail(row: BatchRow): BatchDetail {
  const runIds = row.run_ids ?? [];
  const isDone = row.sealed && row.live === 0;
  return {
    id: encodeId("batch", row.id),
    status: !isDone ? "PENDING" : (row.failures ?? []).length > 0 ? "PARTIAL_FAILED" : "COMPLETED",
    idempotencyKey: row.idempotency_key ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    completedAt: isDone ? (row.last_finished ?? row.updated_at) : undefined,
    runCount: row.expected_count,
    runIds: runIds.map((runId) => encodeId("run", runId)),
    sealed: row.sealed,
    failures: row.failures ?? [],
  };
}

export async function putPacket(pool: pg.Pool, environmentId: number, name: string, packet: Packet): Promise<void> {
  await pool.query({
    name: "put-packet",
    text: `insert into packet (environment_id, name, data, type) values ($1, $2, $3, $4)
           on conflict (environment_id, name) do update set data = excluded.data, type = excluded.type, created_at = now()`,
    values: [environmentId, name, packet.data, packet.type],
  });
}

export async function getPacket(pool: pg.Pool, environmentId: number, name: string): Promise<Packet | undefined> {
  const { rows } = await pool.query<Packet>({
    name: "get-packet",
    text: "select data, type from packet where environment_id = $1 and name = $2",
    values: [environmentId, name],
  });
  return rows[0];
}
