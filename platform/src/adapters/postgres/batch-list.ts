import type pg from "pg";
import { encodeId, firstUuidAt } from "../../ids.ts";
import type { ListedBatch } from "../../insights/insight-store.ts";
import { binder } from "./run-selection.ts";

interface Row {
  id: string;
  idempotency_key: string | null;
  parent_run_id: string | null;
  created_at: Date;
  updated_at: Date;
  is_sealed: boolean;
  expected_count: number;
  triggered: number;
  live: number;
  failed: number;
  errors: number;
}

/** A day: ids are made by the platform's clock. */
const CLOCKS_APART_MS = 24 * 3600_000;

/** Newest first. Its items are counted for the batches of the page alone; of ended runs only those that failed are looked up. */
export async function listBatches(
  pool: pg.Pool,
  environmentId: number,
  { from, to }: { from?: Date; to?: Date },
  { size, after, before }: { size: number; after?: string; before?: string },
): Promise<ListedBatch[]> {
  const values: unknown[] = [environmentId];
  const bind = binder(values);
  const conditions = ["b.environment_id = $1"];
  if (from !== undefined)
    conditions.push(`b.created_at >= ${bind(from)} and b.id >= ${bind(firstUuidAt(from.getTime() - CLOCKS_APART_MS))}`);
  if (to !== undefined)
    conditions.push(`b.created_at <= ${bind(to)} and b.id <= ${bind(firstUuidAt(to.getTime() + CLOCKS_APART_MS))}`);
  if (after !== undefined) conditions.push(`b.id < ${bind(after)}`);
  if (before !== undefined) conditions.push(`b.id > ${bind(before)}`);
  const order = before === undefined ? "desc" : "asc";
  const { rows } = await pool.query<Row>({
    text: `
      with page as materialized (
        select b.* from batch b where ${conditions.join(" and ")} order by b.id ${order} limit ${bind(size)}
      )
      select p.id, p.idempotency_key, p.parent_run_id, p.created_at, p.updated_at, p.sealed_at is not null as is_sealed,
        p.expected_count, i.triggered, i.live, i.errors,
        (select count(*)::int from run_history h
         where h.batch_id = p.id and h.status <> 'COMPLETED' and h.status <> 'CANCELED'
           and h.finished_at >= p.created_at) as failed
      from page p cross join lateral (
        select count(bi.run_id)::int as triggered, count(bi.error)::int as errors, count(r.id)::int as live
        from batch_item bi left join run r on r.environment_id = $1 and r.id = bi.run_id
        where bi.batch_id = p.id
      ) i
      order by p.id desc`,
    values,
  });
  return rows.map(toListed);
}

function toListed(row: Row): ListedBatch {
  return {
    id: encodeId("batch", row.id),
    idempotencyKey: row.idempotency_key ?? undefined,
    parentRunId: row.parent_run_id === null ? undefined : encodeId("run", row.parent_run_id),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    isSealed: row.is_sealed,
    runCount: row.expected_count,
    triggered: row.triggered,
    live: row.live,
    failed: row.failed,
    errors: row.errors,
  };
}
