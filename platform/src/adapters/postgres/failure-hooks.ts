import type pg from "pg";
import type { RunStatus, WireError } from "@gantry/sdk/contract";
import type { ClaimedHook } from "../../runs/run-store.ts";

/**
 * onFailure hooks of runs that ended without their process. Claimed by one platform at a time; a claim that was never
 * delivered to a worker is released, one that was delivered is spent: a hook runs once.
 */
export async function claimFailureHooks(pool: pg.Pool, limit: number): Promise<ClaimedHook[]> {
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
    text: `update failure_hook h set execution_id = gen_random_uuid(), claimed_at = now()
           where h.run_id = any (array(
             select k.run_id from failure_hook k where k.claimed_at is null order by k.finished_at limit $1
             for update skip locked))
           returning h.*`,
    values: [limit],
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

export async function finishFailureHook(pool: pg.Pool, runId: string, executionId: string): Promise<void> {
  await pool.query({
    name: "finish-failure-hook",
    text: "delete from failure_hook where run_id = $1 and execution_id = $2",
    values: [runId, executionId],
  });
}

export async function releaseFailureHook(pool: pg.Pool, runId: string, executionId: string): Promise<void> {
  await pool.query({
    name: "release-failure-hook",
    text: "update failure_hook set execution_id = null, claimed_at = null where run_id = $1 and execution_id = $2",
    values: [runId, executionId],
  });
}
