import type { Pool } from "pg";

/** Where a waiting run has rows, and the column with its id. */
const TABLES = [
  ["run", "id"],
  ["run_journal", "run_id"],
  ["journal_entry", "run_id"],
] as const;

/**
 * Puts `count` copies of a run that waits on no worker into the database, in one transaction: that many triggers and first
 * passes take minutes and end in the same rows. The pool's search path leads to the tables. `runId` is a UUID.
 */
export async function copyWaitingRun(pool: Pool, runId: string, count: number): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("set local statement_timeout = 0");
    await client.query(
      `create temporary table copies on commit drop as select gen_random_uuid() as id from generate_series(1, ${count})`,
    );
    for (const [table, id] of TABLES) {
      const { rows } = await client.query<{ name: string }>(
        "select attname as name from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped",
        [table],
      );
      const columns = rows.map(({ name }) => `"${name}"`);
      const values = rows.map(({ name }) => (name === id ? "c.id" : `o."${name}"`));
      await client.query(
        `insert into ${table} (${columns.join()}) select ${values.join()} from ${table} o, copies c where o.${id} = $1`,
        [runId],
      );
    }
    await client.query("commit");
  } finally {
    client.release();
  }
}
