import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import type pg from "pg";
import type { Upkeep } from "../../runs/upkeep.ts";
import { inTransaction } from "./transaction.ts";

export function createUpkeep(pool: pg.Pool, { auditDays }: { auditDays: number } = { auditDays: 365 }): Upkeep {
  return {
    async ensurePartitions() {
      await pool.query("select ensure_partitions()");
    },
    async dropPartitions({ runDays, eventDays }) {
      return [
        ...(await dropOlder(pool, "run_history", "finished_at", runDays)),
        ...(await dropOlder(pool, "journal_history", "finished_at", runDays)),
        ...(await dropOlder(pool, "run_event", "stored_at", eventDays)),
      ];
    },
    async deleteExpired() {
      await inSlices(pool, "idempotency", "x.expires_at < now()");
      await inSlices(pool, "packet", "x.created_at < now() - interval '1 day'", 100);
      await inSlices(pool, "spent_token", "x.expires_at < now()");
      await inSlices(pool, "wait_key", "x.expires_at < now()");
      await inSlices(pool, "user_session", "x.expires_at < now() - interval '1 day'");
      await inSlices(pool, "user_invitation", "x.expires_at < now() - interval '1 day'");
      await inSlices(pool, "sign_in_attempt", "x.window_ends_at < now()");
      await inSlices(pool, "audit_entry", `x.at < now() - interval '1 day' * ${Math.trunc(auditDays)}`);
      await inSlices(pool, "waitpoint", "x.status <> 'WAITING' and x.completed_at < now() - interval '30 days'", 1000);
      await inSlices(
        pool,
        "failure_hook",
        "x.seen_at < now() - interval '1 day' or x.finished_at < now() - interval '7 days'",
      );
      await inSlices(
        pool,
        "schedule_due",
        "x.due_at < now() - interval '30 days' and x.state in ('triggered', 'skipped', 'failed') and not x.is_open",
      );
      await inSlices(pool, "stream", streamIsOver(), 100);
      // A node that is still there says so again with the next worker that starts on it.
      await inSlices(pool, "checkpoint_node", "x.seen_at < now() - interval '30 days'");
      await inSlices(pool, "bulk_action", "x.created_at < now() - interval '30 days'", 10);
      await inSlices(pool, "schedule", "x.removed_at < now() - interval '30 days'", 100);
      const isOver = `x.created_at < now() - interval '45 days'
        and not exists (select 1 from batch_item i join run r on r.id = i.run_id and r.environment_id = x.environment_id
                        where i.batch_id = x.id)`;
      await inSlices(pool, "batch", isOver, 100, "delete from batch_item i using gone g where i.batch_id = g.id");
    },
  };
}

/** Neither it nor its run has changed for the days that streams are kept. Its chunks go with it. */
function streamIsOver(): string {
  const limit = `now() - interval '${DEFAULT_LIMITS.streamRetentionDays} days'`;
  return `x.created_at < ${limit} and x.updated_at < ${limit}
    and not exists (select 1 from run r where r.environment_id = x.environment_id and r.id = x.run_id)
    and not exists (select 1 from run_history h where h.environment_id = x.environment_id and h.id = x.run_id
                      and h.finished_at >= ${limit})`;
}

/**
 * Deletes what matches, `size` rows at a time, and with each slice (`gone`) what goes with it: no statement may take
 * longer than the pool allows, however much has piled up.
 */
export async function inSlices(
  pool: pg.Pool,
  table: string,
  condition: string,
  size = 5000,
  also = "select",
): Promise<void> {
  for (let n = size; n === size; ) {
    const { rows } = await pool.query<{ n: number }>(`
      with gone as (
        delete from ${table} d where d.ctid = any (array(select x.ctid from ${table} x where ${condition} limit ${size}))
        returning d.*
      ), also as (${also})
      select count(*)::int as n from gone`);
    n = rows[0]?.n ?? 0;
  }
}

/** A partition is named after its day; one whose day ended before the limit holds nothing younger. */
async function dropOlder(pool: pg.Pool, parent: string, column: string, days: number): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i
     join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
     where p.relname = $1 and p.relnamespace = current_schema()::regnamespace and c.relname ~ '_[0-9]{8}$'
       and to_date(right(c.relname, 8), 'YYYYMMDD') < current_date - $2::int - 1
     order by 1`,
    [parent, days],
  );
  // A drop waits for readers of the whole table, and whoever writes waits for the drop: rather the next time.
  for (const { name } of rows) {
    await inTransaction(pool, async (client) => {
      await client.query("set local lock_timeout = '2s'");
      await client.query(`drop table if exists "${name}"`);
    });
  }
  // What nobody had made a partition for is in the default one.
  await inSlices(pool, `${parent}_default`, `x.${column} < current_date - ${days + 1}`, 1000);
  return rows.map((row) => row.name);
}
