import type pg from "pg";
import { isUuid } from "./checkpoint-rows.ts";

/** Whose checkpoint it is; UUIDs, as the worker's link and its request name them. */
export interface ChunkOwner {
  executionId: string;
  checkpointId: string;
}

/**
 * Holds the checkpoint's row against a park and a sweep: both wait for it, and what comes after them finds another state. A
 * chunk that is there already stays: a runner sends the same bytes again.
 */
export async function putChunk(
  pool: pg.Pool,
  { executionId, checkpointId }: ChunkOwner,
  number: number,
  data: Buffer,
): Promise<"stored" | "refused"> {
  if (!isUuid(checkpointId) || !isUuid(executionId)) return "refused";
  const { rowCount } = await pool.query({
    name: "put-chunk",
    text: `
      with mine as materialized (
        select c.id from checkpoint c
        where c.id = $1 and c.execution_id = $2 and c.state = 'staged'
          and exists (select 1 from execution x where x.id = c.execution_id)
        for key share of c
      ), put as (
        insert into checkpoint_chunk (checkpoint_id, number, data) select m.id, $3, $4 from mine m on conflict do nothing
      )
      select 1 from mine`,
    values: [checkpointId, executionId, number, data],
  });
  return rowCount === 1 ? "stored" : "refused";
}

export async function getChunk(
  pool: pg.Pool,
  { executionId, checkpointId }: ChunkOwner,
  number: number,
): Promise<Buffer | undefined> {
  if (!isUuid(checkpointId) || !isUuid(executionId)) return undefined;
  const { rows } = await pool.query<{ data: string }>({
    name: "get-chunk",
    // The driver has bytes as text: by base64 they are 2.8 MB of a chunk's two, not 4, and read in 0.4 ms, not 4.
    text: `select encode(k.data, 'base64') as data from checkpoint c
           join run r on r.environment_id = c.environment_id and r.id = c.run_id and r.checkpoint_id = c.id
           join checkpoint_chunk k on k.checkpoint_id = c.id
           where c.id = $1 and r.execution_id = $2 and k.number = $3`,
    values: [checkpointId, executionId, number],
  });
  const [row] = rows;
  return row && Buffer.from(row.data, "base64");
}
