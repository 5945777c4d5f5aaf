import { Client, type Pool } from "pg";
import { inject } from "vitest";

/** Ends every connection of a pool's database and lets no new one in; the result lets them in again. */
export async function shutDatabase(pool: Pool): Promise<() => Promise<void>> {
  const { rows } = await pool.query("select current_database() as name");
  const name = String(rows[0].name);
  await asOwner(`alter database ${name} with allow_connections false`);
  await asOwner(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
  return () => asOwner(`alter database ${name} with allow_connections true`);
}

async function asOwner(statement: string): Promise<void> {
  const owner = new Client({ connectionString: inject("postgresUrl") });
  await owner.connect();
  await owner.query(statement).finally(() => owner.end());
}
