import { uuidOf } from "../../faults/support/history.ts";
import type { Stage } from "../../faults/support/stage.ts";

/**
 * Puts `count` copies of a run that waits on no worker into the database: ten thousand triggers and first passes take minutes
 * and end in the same rows.
 */
export async function copyWaitingRun({ pool }: Pick<Stage, "pool">, run: string, count: number): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query(
      `create temporary table copies on commit drop as select gen_random_uuid() as id from generate_series(1, ${count})`,
    );
    for (const [table, id] of [
      ["run", "id"],
      ["run_journal", "run_id"],
      ["journal_entry", "run_id"],
    ]) {
      await client.query(
        `insert into ${table} select (jsonb_populate_record(o, jsonb_build_object('${id}', c.id))).*
         from ${table} o, copies c where o.${id} = $1`,
        [uuidOf(run)],
      );
    }
    await client.query("commit");
  } finally {
    client.release();
  }
}
