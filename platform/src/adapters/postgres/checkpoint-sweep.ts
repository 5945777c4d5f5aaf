import type pg from "pg";

/** Chunks in one statement: 16 MB, some ten thousand rows of a TOAST table. */
const CHUNKS_AT_ONCE = 8;

/**
 * Deletes what nothing refers to: chunks first, a few in each commit, so that nobody waits for them and no statement takes
 * long, however large a process was. Several may sweep at once, and a kill leaves the rest to the next.
 */
export async function sweepCheckpoints(pool: pg.Pool, stagedForMs: number, limit: number): Promise<number> {
  await releaseForgotten(pool, stagedForMs);
  const { rows } = await pool.query<{ id: string }>({
    name: "released-checkpoints",
    // It cannot be referred to again: a park stores what is staged. That nothing does is looked at all the same.
    text: `select c.id from checkpoint c where c.state = 'released'
             and not exists (select 1 from run r where r.checkpoint_id = c.id)
           order by c.created_at limit $1`,
    values: [limit],
  });
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return 0;
  for (let n = CHUNKS_AT_ONCE; n === CHUNKS_AT_ONCE; ) n = await deleteChunks(pool, ids);
  const { rowCount } = await pool.query({
    name: "delete-checkpoints",
    text: `delete from checkpoint c where c.id = any ($1::uuid[]) and c.state = 'released'`,
    values: [ids],
  });
  return rowCount ?? 0;
}

/** From here on no chunk of them comes any more, and no park stores them. */
async function releaseForgotten(pool: pg.Pool, stagedForMs: number): Promise<void> {
  await pool.query({
    name: "release-forgotten",
    text: `update checkpoint c set state = 'released' where c.id = any (array(
             select s.id from checkpoint s
             where s.state = 'staged' and s.created_at < now() - $1 * interval '1 ms'
             limit 1000 for update skip locked))`,
    values: [stagedForMs],
  });
}

async function deleteChunks(pool: pg.Pool, checkpointIds: string[]): Promise<number> {
  const { rowCount } = await pool.query({
    name: "delete-chunks",
    text: `delete from checkpoint_chunk d where d.ctid = any (array(
             select k.ctid from checkpoint_chunk k where k.checkpoint_id = any ($1::uuid[]) limit ${CHUNKS_AT_ONCE}
             for update skip locked))`,
    values: [checkpointIds],
  });
  return rowCount ?? 0;
}
