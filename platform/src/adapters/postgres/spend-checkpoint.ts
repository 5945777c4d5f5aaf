import type pg from "pg";
import type { ExecutionRef } from "../../runs/run-store.ts";
import { lockHeld } from "./held-executions.ts";
import { inTransaction } from "./transaction.ts";

/**
 * The execution owns the run, and the run refers to this checkpoint: then its process may go on, once. The execution is locked,
 * so that its end comes before or after, and remembers what it has brought back: asked again, the answer is the same.
 */
export async function spend(
  pool: pg.Pool,
  execution: ExecutionRef & { environmentId: number },
  checkpointId: string,
): Promise<"granted" | "fenced" | "spent"> {
  const { executionId, environmentId } = execution;
  return inTransaction(pool, async (client) => {
    if (!(await lockHeld(client, environmentId, execution))) return "fenced";
    const { rows } = await client.query<{ granted: boolean }>({
      name: "spend-checkpoint",
      text: `
        with left_behind as (
          update run r set checkpoint_id = null, updated_at = now(), revision = r.revision + 1
          from execution x
          where x.id = $1 and x.state = 'RUNNING' and r.environment_id = $2 and r.id = x.run_id and r.execution_id = x.id
            and r.checkpoint_id = $3
          returning r.id
        ), noted as (
          update execution x set restored_checkpoint_id = $3 from left_behind l where x.id = $1 and x.run_id = l.id
        )
        select exists (select 1 from left_behind)
          or exists (select 1 from execution x where x.id = $1 and x.restored_checkpoint_id = $3) as granted`,
      values: [executionId, environmentId, checkpointId],
    });
    return rows[0]?.granted === true ? "granted" : "spent";
  });
}
