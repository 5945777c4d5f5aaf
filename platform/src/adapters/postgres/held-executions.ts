import type pg from "pg";
import type { JournalOwner } from "../../journal/journal-store.ts";
import type { ExecutionRef } from "../../runs/run-store.ts";

/**
 * A run whose worker is held (execution PARKED) has no slot, and may get it back at any moment: admission then sets the
 * execution RUNNING and inserts a slot. Whoever ends such an execution locks its row first, in a statement of its own:
 * what it does next sees the slot, and from then on neither the wake loop nor admission touches the run (both pass over an
 * execution that is locked so).
 */
export async function lockHeld(
  client: pg.PoolClient,
  environmentId: number,
  execution: ExecutionRef,
): Promise<boolean> {
  const { rowCount } = await client.query({
    name: "lock-held",
    text: "select 1 from execution e where e.id = $1 and e.fence = $2 and e.environment_id = $3 for update",
    values: [execution.executionId, execution.fence, environmentId],
  });
  return rowCount === 1;
}

/** Ready rows of runs that are QUEUED with the held execution that `source` returns (run_id, environment_id). */
export const UNQUEUE_HELD = (source: string) => `
      unqueued as (
        delete from ready d using ${source} x, run q
        where q.environment_id = x.environment_id and q.id = x.run_id and q.status = 'QUEUED'
          and d.lane_id = q.lane_id and d.order_at = q.order_at and d.run_id = q.id
      ),`;

/**
 * An execution `x` that has its slot again, and whose worker may not know. While `park` is there the worker counts as held:
 * none of the task's code has run since the wait. It goes with the answer by which the worker hears that it may go on; an
 * answer that is lost on its way counts as heard.
 */
export const IS_UNTOLD = "(x.state = 'RUNNING' and x.park is not null)";

/** Before such an answer. False: the execution has ended, or waits again. */
export async function tellToGoOn(pool: pg.Pool | pg.PoolClient, owner: JournalOwner): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: "tell-to-go-on",
    text: `update execution x set park = null
           where x.id = $1 and x.fence = $2 and x.environment_id = $3 and x.state = 'RUNNING'`,
    values: [owner.executionId, owner.fence, owner.environmentId],
  });
  return rowCount === 1;
}
