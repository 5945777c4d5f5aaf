import type pg from "pg";
import type { ExecutionRef, MetadataBatch } from "../../runs/run-store.ts";
import { applyMetadataBatch } from "./run-annotations.ts";

export interface MetadataCall {
  execution: ExecutionRef;
  batch: MetadataBatch;
}

type Applied = { environmentId: number; runIds: string[] } | undefined;

interface Row {
  ord: number;
  environment_id: number;
  id: string;
  revision: number;
  metadata: Buffer | null;
}

interface Change {
  row: Row;
  call: MetadataCall;
  next: string;
}

/**
 * Metadata of many runs, two statements and one commit: the runs are read, what their workers want is worked out, and written
 * where nobody has changed them in between. Where somebody has, or holds the row, the call is carried out by itself, under the
 * row's lock; so this waits for nobody, and meets no batch of completions in a deadlock. What a call throws is its own answer.
 */
export async function applyMetadataBatches(pool: pg.Pool, calls: MetadataCall[]): Promise<(() => Promise<Applied>)[]> {
  const rows = new Map((await readAll(pool, calls)).map((row) => [row.ord, row]));
  const answers: (() => Promise<Applied>)[] = calls.map(() => async () => undefined);
  const changes: Change[] = [];
  const seen = new Set<string>();
  for (const [index, call] of calls.entries()) {
    const row = rows.get(index + 1);
    if (row === undefined) continue;
    // A worker's second batch comes after the answer to its first; should it not, it waits its turn.
    if (seen.has(row.id)) answers[index] = () => applyMetadataBatch(pool, call.execution, call.batch);
    else {
      seen.add(row.id);
      try {
        changes.push({ row, call, next: call.batch.own(row.metadata?.toString("utf8")) });
      } catch (error) {
        answers[index] = () => Promise.reject(error);
      }
    }
  }
  const written = await writeAll(pool, changes);
  for (const [index, { row, call }] of changes.entries()) {
    answers[row.ord - 1] = written.has(index + 1)
      ? async () => ({ environmentId: row.environment_id, runIds: [row.id] })
      : () => applyMetadataBatch(pool, call.execution, call.batch);
  }
  return answers;
}

async function readAll(pool: pg.Pool, calls: readonly MetadataCall[]): Promise<Row[]> {
  const { rows } = await pool.query<Row>({
    name: "metadata-batches-read",
    text: `
      select c.ord::int, r.environment_id, r.id, r.revision, r.metadata
      from unnest($1::uuid[], $2::bigint[], $3::int[]) with ordinality as c (execution_id, fence, number, ord)
      join execution e on e.id = c.execution_id and e.fence = c.fence and e.metadata_batch < c.number
      join run r on r.environment_id = e.environment_id and r.id = e.run_id`,
    values: [
      calls.map(({ execution }) => execution.executionId),
      calls.map(({ execution }) => execution.fence),
      calls.map(({ batch }) => batch.number),
    ],
  });
  return rows;
}

/** Which of them were written, by their place from 1. */
async function writeAll(pool: pg.Pool, changes: readonly Change[]): Promise<Set<number>> {
  if (changes.length === 0) return new Set();
  const { rows } = await pool.query<{ ord: number }>({
    name: "metadata-batches-write",
    text: `
      with input as materialized (
        select * from unnest($1::uuid[], $2::bigint[], $3::int[], $4::int[], $5::uuid[], $6::int[], $7::bytea[])
          with ordinality as i (execution_id, fence, number, environment_id, run_id, revision, metadata, ord)
      ), free as materialized (
        select i.* from input i
        join execution e on e.id = i.execution_id and e.fence = i.fence and e.metadata_batch < i.number
        join run r on r.environment_id = i.environment_id and r.id = i.run_id and r.revision = i.revision
        for no key update of e, r skip locked
      ), noted as (
        update execution e set metadata_batch = f.number from free f where e.id = f.execution_id
      ), written as (
        update run r set metadata = f.metadata, metadata_type = 'application/json', revision = r.revision + 1, updated_at = now()
        from free f where r.environment_id = f.environment_id and r.id = f.run_id
      )
      select ord::int from free`,
    values: [
      changes.map(({ call }) => call.execution.executionId),
      changes.map(({ call }) => call.execution.fence),
      changes.map(({ call }) => call.batch.number),
      changes.map(({ row }) => row.environment_id),
      changes.map(({ row }) => row.id),
      changes.map(({ row }) => row.revision),
      changes.map(({ next }) => Buffer.from(next, "utf8")),
    ],
  });
  return new Set(rows.map((row) => row.ord));
}
