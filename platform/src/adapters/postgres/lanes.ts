import type pg from "pg";
import type { LaneAnnouncement } from "../../runs/run-store.ts";

interface Row {
  environment_id: number;
  id: string;
  order_at: string | null;
}

const toAnnouncement = (row: Row): LaneAnnouncement => ({
  environmentId: row.environment_id,
  laneId: row.id,
  orderAt: row.order_at ?? undefined,
});

/**
 * Among the next `limit` lanes after one, those whose announcement was lost (a crash between commit and announcement,
 * another replica): parked although they have work and room, or with a run that sorts before their turn's head.
 */
export async function strandedLanes(
  pool: pg.Pool,
  after: string,
  limit: number,
): Promise<{ lanes: LaneAnnouncement[]; last: string | undefined }> {
  const { rows } = await pool.query<Row & { is_stranded: boolean }>({
    name: "stranded-lanes",
    text: `
      with slice as materialized (
        select l.id, l.environment_id, l.queue_id, l.parked from lane l where l.id > $1 order by l.id limit $2
      ), with_work as materialized (
        select s.*, f.order_at from slice s
        cross join lateral (select min(r.order_at) as order_at from ready r where r.lane_id = s.id) f
        where f.order_at is not null
      )
      select w.environment_id, w.id, w.order_at::text, true as is_stranded
      from with_work w join queue q on q.id = w.queue_id and q.paused_at is null
      where w.parked and (coalesce(q.override_limit, q.declared_limit) is null
        or (select count(*) from slot s where s.lane_id = w.id) < coalesce(q.override_limit, q.declared_limit))
      union all
      select w.environment_id, w.id, w.order_at::text, true
      -- A full join is hashed or merged: read in loops, ten thousand turns for each lane take seconds.
      from with_work w full join turn t on t.lane_id = w.id
      where coalesce(not w.parked and w.order_at < t.head_at, false)
      union all
      select 0, max(s.id), null, false from slice s having count(*) = $2`,
    values: [after, limit],
  });
  return {
    lanes: rows.filter((row) => row.is_stranded).map(toAnnouncement),
    last: rows.find((row) => !row.is_stranded)?.id,
  };
}

/** Environments with a lane that waits for its turn: one step down the index for each. */
export async function environmentsWithTurns(pool: pg.Pool): Promise<number[]> {
  const { rows } = await pool.query<{ id: number }>({
    name: "environments-with-turns",
    text: `
      with recursive step as (
        (select t.environment_id as id from turn t order by t.environment_id limit 1)
        union all
        select (select t.environment_id from turn t where t.environment_id > s.id order by t.environment_id limit 1)
        from step s where s.id is not null
      )
      select id from step where id is not null`,
  });
  return rows.map((row) => row.id);
}

/** The lanes of a queue whose limit or pause has changed. */
export async function lanesOfQueue(pool: pg.Pool, queueId: number): Promise<LaneAnnouncement[]> {
  const { rows } = await pool.query<Row>({
    name: "lanes-of-queue",
    text: `select l.environment_id, l.id, (select min(r.order_at)::text from ready r where r.lane_id = l.id) as order_at
           from lane l where l.queue_id = $1 and exists (select 1 from ready r where r.lane_id = l.id)`,
    values: [queueId],
  });
  return rows.map(toAnnouncement);
}

/**
 * Forgets lanes nobody uses, in two steps: retired first, deleted ten minutes later, when every statement that may have
 * read them as alive has ended. A trigger that meets a retired lane revives it. A lane of which a rate limit still
 * remembers starts is used: under a new id it would start anew.
 */
export async function retireLanes(pool: pg.Pool): Promise<number> {
  const unused = `not exists (select 1 from ready r where r.lane_id = l.id)
    and not exists (select 1 from slot s where s.lane_id = l.id)
    and not exists (select 1 from turn t where t.environment_id = l.environment_id and t.lane_id = l.id)
    and not exists (
      select 1 from rate_window w join queue q on q.id = w.queue_id
      where w.queue_id = l.queue_id and w.lane_id = l.id
        and w.ends[cardinality(w.ends)] + coalesce(q.rate_period_ms, 0) > extract(epoch from now()) * 1000)`;
  const { rowCount: deleted } = await pool.query({
    name: "delete-lanes",
    text: `delete from lane l where l.retired_at < now() - interval '10 minutes' and ${unused}`,
  });
  for (let retired = SLICE; retired === SLICE; ) {
    const { rowCount } = await pool.query({
      name: "retire-lanes",
      text: `update lane l set retired_at = now() where l.id = any (array(
               select l.id from lane l where l.retired_at is null and l.parked and l.concurrency_key <> '' and ${unused}
               limit ${SLICE}))`,
    });
    retired = rowCount ?? 0;
  }
  await pool.query({
    name: "delete-rate-windows",
    text: `delete from rate_window w where w.lane_id <> 0 and not exists (select 1 from lane l where l.id = w.lane_id)`,
  });
  return deleted ?? 0;
}

const SLICE = 5000;
