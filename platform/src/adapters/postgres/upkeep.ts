import type pg from "pg";
import type { Upkeep } from "../../runs/upkeep.ts";

export function createUpkeep(pool: pg.Pool): Upkeep {
  return {
    async ensurePartitions() {
      await pool.query("select ensure_partitions()");
    },
    async dropPartitions({ runDays, eventDays }) {
      return [
        ...(await dropOlder(pool, "run_history", runDays)),
        ...(await dropOlder(pool, "run_event", eventDays)),
      ];
    },
    async deleteExpired() {
      await pool.query("delete from idempotency where expires_at < now()");
      await pool.query("delete from packet where created_at < now() - interval '1 day'");
      await pool.query("delete from spent_token where expires_at < now()");
      await pool.query("delete from failure_hook where claimed_at < now() - interval '1 hour'");
      await pool.query(
        `delete from batch b where b.created_at < now() - interval '45 days'
           and not exists (select 1 from batch_item i join run r on r.id = i.run_id and r.environment_id = b.environment_id
                           where i.batch_id = b.id)`,
      );
      await pool.query("delete from batch_item i where not exists (select 1 from batch b where b.id = i.batch_id)");
    },
  };
}

/** A partition is named after its day; one whose day ended before the limit holds nothing younger. */
async function dropOlder(pool: pg.Pool, parent: string, days: number): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i
     join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
     where p.relname = $1 and p.relnamespace = current_schema()::regnamespace and c.relname ~ '_[0-9]{8}$'
       and to_date(right(c.relname, 8), 'YYYYMMDD') < current_date - $2::int - 1
     order by 1`,
    [parent, days],
  );
  for (const { name } of rows) await pool.query(`drop table if exists "${name}"`);
  return rows.map((row) => row.name);
}
