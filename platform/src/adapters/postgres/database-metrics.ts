import type pg from "pg";
import type { Registry } from "prom-client";
import { figureGauges } from "../../figure-gauges.ts";
import { inTransaction } from "./transaction.ts";

const TIMEOUT_MS = 2_000;

interface Figures {
  database_bytes: string;
  oldest_transaction_seconds: number | null;
  oldest_ready_run_seconds: number | null;
}

/**
 * The first entry of each lane that has any: as many index look-ups as there are lanes with work, however many runs wait.
 * A woken run sorts a hundred years before those that were not started yet; it has waited since it was woken.
 */
const LOOK = `
  with recursive lane_head as (
    (select lane_id, order_at from ready order by lane_id, order_at limit 1)
    union all
    select next.lane_id, next.order_at
    from lane_head h
    cross join lateral (
      select lane_id, order_at from ready r where r.lane_id > h.lane_id order by lane_id, order_at limit 1
    ) next
  )
  select
    pg_database_size(current_database()) as database_bytes,
    (select extract(epoch from now() - min(xact_start))::float8 from pg_stat_activity
      where backend_xmin is not null and pid <> pg_backend_pid()) as oldest_transaction_seconds,
    (select greatest(0, extract(epoch from now() - min(
      case when order_at < now() - interval '50 years' then order_at + interval '100 years' else order_at end)))::float8 from lane_head) as oldest_ready_run_seconds`;

/**
 * What an operator's alerts watch in the database. A figure that cannot be had in two seconds is left out of the answer
 * rather than holding it up.
 */
export function registerDatabaseMetrics(registry: Registry, pool: pg.Pool, now: () => number = Date.now): void {
  const gauge = figureGauges(registry, () => look(pool), now);
  gauge("gantry_database_bytes", "Size of Gantry's database.", (read) => Number(read.database_bytes));
  gauge(
    "gantry_database_oldest_transaction_seconds",
    "Age of the oldest snapshot in the database server: no row that died since can be removed.",
    (read) => read.oldest_transaction_seconds ?? 0,
  );
  gauge(
    "gantry_oldest_ready_run_seconds",
    "How long the run that has waited longest could have started, were it not for limits and room.",
    (read) => read.oldest_ready_run_seconds ?? 0,
  );
}

function look(pool: pg.Pool): Promise<Figures | undefined> {
  return inTransaction(pool, async (client) => {
    await client.query(`set local statement_timeout = ${TIMEOUT_MS}`);
    const { rows } = await client.query<Figures>(LOOK);
    return rows[0];
  });
}
