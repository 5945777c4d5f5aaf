import type pg from "pg";
import type { EnvironmentRef } from "../../projects/principal.ts";
import type { QueueInfo, QueueRef, QueueService } from "../../queues/queue-service.ts";
import type { Announcements } from "../../runs/announcements.ts";
import { lanesOfQueue } from "./lanes.ts";

interface Row {
  id: number;
  name: string;
  kind: "task" | "custom";
  queued: number;
  running: number;
  oldest: Date | null;
  starts: number;
  declared_limit: number | null;
  override_limit: number | null;
  overridden_at: Date | null;
  combined_limit: number | null;
  rate_limit: number | null;
  rate_period_ms: number | null;
  rate_key: "queue" | "concurrencyKey" | null;
  paused_at: Date | null;
}

const SELECT = `
  select q.*, w.queued, w.oldest,
    (select count(*)::int from slot s where s.environment_id = q.environment_id and s.queue_id = q.id) as running,
    coalesce((
      -- A look at so many concurrency keys is enough.
      select max(k.n) from (select * from rate_window w where w.queue_id = q.id limit 1000) b cross join lateral (
        select sum(s.n)::int as n from unnest(b.ends, b.starts) s (at, n)
        where s.at > extract(epoch from now()) * 1000 - q.rate_period_ms) k), 0) as starts
  from queue q cross join lateral (
    select coalesce(sum(c.n), 0)::int as queued, min(c.oldest) as oldest
    from lane l cross join lateral (
      select count(*) as n, min(r.order_at) as oldest from ready r where r.lane_id = l.id) c
    where l.queue_id = q.id
  ) w`;

/** Queues as operators see and steer them. A changed limit or pause counts from the next admission; running work goes on. */
export function createQueueService(pool: pg.Pool, announcements: Announcements): QueueService {
  async function one(environment: EnvironmentRef, ref: QueueRef): Promise<Row | undefined> {
    const byId = ref.type === "id" ? /^queue_(\d{1,9})$/.exec(ref.name)?.[1] : undefined;
    if (ref.type === "id" && byId === undefined) return undefined;
    const name = ref.type === "task" ? `task/${ref.name}` : ref.name;
    const { rows } = await pool.query<Row>({
      text: `${SELECT} where q.environment_id = $1 and ${byId === undefined ? "q.name = $2" : "q.id = $2"}`,
      values: [environment.id, byId ?? name],
    });
    return rows[0];
  }

  async function change(
    environment: EnvironmentRef,
    ref: QueueRef,
    set: string,
    values: unknown[],
  ): Promise<QueueInfo | undefined> {
    const row = await one(environment, ref);
    if (row === undefined) return undefined;
    await pool.query({ text: `update queue set ${set} where id = $1`, values: [row.id, ...values] });
    announcements.announce(await lanesOfQueue(pool, row.id));
    announcements.wake(environment.id);
    const changed = await one(environment, { type: "id", name: `queue_${row.id}` });
    return changed === undefined ? undefined : toInfo(changed);
  }

  return {
    async list(environment, { page, perPage }) {
      // Only the queues of the page are looked into.
      const { rows } = await pool.query<Row & { total: number }>({
        text: `with page as (
                 select p.id from queue p where p.environment_id = $1 order by p.name limit $2 offset $3)
               select x.*, (select count(*)::int from queue c where c.environment_id = $1) as total
               from (${SELECT} where q.id in (select id from page)) x order by x.name`,
        values: [environment.id, perPage, (page - 1) * perPage],
      });
      return { queues: rows.map(toInfo), total: rows[0]?.total ?? 0 };
    },
    async retrieve(environment, ref) {
      const row = await one(environment, ref);
      return row === undefined ? undefined : toInfo(row);
    },
    setPaused: (environment, ref, paused) =>
      change(environment, ref, "paused_at = case when $2 then coalesce(paused_at, now()) end", [paused]),
    overrideLimit: (environment, ref, limit) =>
      change(
        environment,
        ref,
        "override_limit = $2::int, overridden_at = case when $2::int is not null then now() end",
        [limit],
      ),
  };
}

function toInfo(row: Row): QueueInfo {
  return {
    id: `queue_${row.id}`,
    name: row.name,
    kind: row.kind,
    queued: row.queued,
    running: row.running,
    paused: row.paused_at !== null,
    concurrencyLimit: row.override_limit ?? row.declared_limit,
    declaredLimit: row.declared_limit,
    overrideLimit: row.override_limit,
    overriddenAt: row.overridden_at,
    combinedConcurrencyLimit: row.combined_limit,
    rateLimit:
      row.rate_limit === null || row.rate_period_ms === null
        ? null
        : { limit: row.rate_limit, periodMs: row.rate_period_ms, key: row.rate_key ?? "concurrencyKey" },
    oldestQueuedAt: row.oldest,
    pausedAt: row.paused_at,
    startsInPeriod: row.rate_limit === null ? null : row.starts,
  };
}
