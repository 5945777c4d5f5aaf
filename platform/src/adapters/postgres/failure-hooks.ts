import type { RunStatus, WireError } from "@gantry/sdk/contract";
import type pg from "pg";
import type { ClaimedHook } from "../../runs/run-store.ts";

/** A worker that was away gives up long before: a claim of which nothing was heard for so long never reached one. */
const UNHEARD = "interval '15 minutes'";

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * onFailure hooks of runs that ended without their process. Claimed by one platform at a time; a claim that was never
 * delivered to a worker is released, or found unheard of; one that a worker was heard to have is spent: a hook runs once.
 * `awaited`: executions whose own workers are connected here and wait; their hooks are due at once.
 */
export async function claimFailureHooks(
  pool: pg.Pool,
  limit: number,
  awaited: readonly string[],
): Promise<ClaimedHook[]> {
  const { rows } = await pool.query<{
    run_id: string;
    environment_id: number;
    deployment_id: string;
    execution_id: string;
    status: RunStatus;
    error: WireError;
    finished_at: Date;
  }>({
    name: "claim-failure-hooks",
    // One that was given back keeps its execution: a pod may be on its way for it.
    text: `update failure_hook h set claimed_at = now(),
             execution_id = case when h.claimed_at is null then coalesce(h.execution_id, gen_random_uuid()) else gen_random_uuid() end,
             bootstrap_nonce = case when h.claimed_at is null then h.bootstrap_nonce end
           where h.run_id = any (array(
             select k.run_id from failure_hook k
             where (k.due_at <= now() or k.execution_id = any ($2::uuid[]))
               and (k.claimed_at is null or (k.seen_at is null and k.claimed_at < now() - ${UNHEARD}))
             order by k.due_at limit $1 for update skip locked))
           returning h.*`,
    values: [limit, awaited.filter((id) => UUID.test(id))],
  });
  return rows.map((row) => ({
    runId: row.run_id,
    environmentId: row.environment_id,
    deploymentId: row.deployment_id,
    executionId: row.execution_id,
    status: row.status,
    error: row.error,
    finishedAt: row.finished_at,
  }));
}

/** Its execution has ended, however. False where there is no such hook. */
export async function finishFailureHook(pool: pg.Pool, executionId: string): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: "finish-failure-hook",
    text: "delete from failure_hook where execution_id = $1",
    values: [executionId],
  });
  return rowCount === 1;
}

/** No worker could take it: others come first for a while, so that one broken version holds up nobody else's hooks. */
export async function releaseFailureHook(pool: pg.Pool, executionId: string, againInMs: number): Promise<void> {
  await pool.query({
    name: "release-failure-hook",
    text: `update failure_hook set claimed_at = null, due_at = now() + $2 * interval '1 ms'
           where execution_id = $1 and seen_at is null`,
    values: [executionId, againInMs],
  });
}

/** An execution that runs the onFailure of this run now: it may do what its run could. */
export async function isFailureHook(pool: pg.Pool, runId: string, executionId: string): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: "is-failure-hook",
    text: "select 1 from failure_hook where run_id = $1 and execution_id = $2",
    values: [runId, executionId],
  });
  return rowCount === 1;
}
