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
 * Lanes whose announcement was lost (a crash between commit and announcement, another replica): parked although they
 * have work and room, or with a run that sorts before their turn's head.
 */
export async function strandedLanes(pool: pg.Pool, limit: number): Promise<LaneAnnouncement[]> {
  const { rows } = await pool.query<Row>({
    name: "stranded-lanes",
    text: `
      select l.environment_id, l.id, first.order_at::text
      from lane l
      join queue q on q.id = l.queue_id and q.paused_at is null
      cross join lateral (select min(r.order_at) as order_at from ready r where r.lane_id = l.id) first
      where l.parked and first.order_at is not null
        and (coalesce(q.override_limit, q.declared_limit) is null
          or (select count(*) from slot s where s.lane_id = l.id) < coalesce(q.override_limit, q.declared_limit))
      union all
      select t.environment_id, t.lane_id, first.order_at::text
      from turn t
      cross join lateral (select min(r.order_at) as order_at from ready r where r.lane_id = t.lane_id) first
      where first.order_at < t.head_at
      limit $1`,
    values: [limit],
  });
  return rows.map(toAnnouncement);
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
 * read them as alive has ended. A trigger that meets a retired lane revives it.
 */
export async function retireLanes(pool: pg.Pool): Promise<number> {
  const unused = `not exists (select 1 from ready r where r.lane_id = l.id)
    and not exists (select 1 from slot s where s.lane_id = l.id)
    and not exists (select 1 from turn t where t.environment_id = l.environment_id and t.lane_id = l.id)`;
  const deleted = await pool.query({
    name: "delete-lanes",
    text: `delete from lane l where l.retired_at < now() - interval '10 minutes' and ${unused}`,
  });
  await pool.query({
    name: "retire-lanes",
    text: `update lane l set retired_at = now() where l.id = any (array(
             select l.id from lane l where l.retired_at is null and l.parked and l.concurrency_key <> '' and ${unused}
             limit 5000))`,
  });
  return deleted.rowCount ?? 0;
}
