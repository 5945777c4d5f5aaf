import type pg from "pg";
import type { ExecutionRef, LostExecution } from "../../runs/run-store.ts";

/** One UPDATE for all heartbeats of a second. An execution that is not in `alive` is fenced. */
export async function heartbeat(
  pool: pg.Pool,
  executions: ExecutionRef[],
  leaseTtlMs: number,
): Promise<{ alive: string[]; cancel: string[] }> {
  const { rows } = await pool.query<{ id: string; cancel: boolean }>({
    name: "heartbeat",
    text: `
      with beat as (
        select b.id, b.fence from unnest($1::uuid[], $2::bigint[]) as b (id, fence) order by b.id
      ), extended as (
        update execution e set lease_expires_at = now() + $3 * interval '1 ms'
        from beat b where e.id = b.id and e.fence = b.fence
        returning e.id, e.run_id, e.environment_id
      )
      select x.id, r.cancel_requested_at is not null as cancel
      from extended x join run r on r.environment_id = x.environment_id and r.id = x.run_id and r.execution_id = x.id
      union all
      -- onFailure hooks run on executions of their own, whose run has ended.
      select h.execution_id, false from beat b join failure_hook h on h.execution_id = b.id`,
    values: [executions.map((one) => one.executionId), executions.map((one) => one.fence), leaseTtlMs],
  });
  return { alive: rows.map((row) => row.id), cancel: rows.filter((row) => row.cancel).map((row) => row.id) };
}

export async function refreshLeases(pool: pg.Pool, leaseTtlMs: number): Promise<void> {
  await pool.query({
    name: "refresh-leases",
    text: `update execution set
             lease_expires_at = case when state = 'STARTING' then lease_expires_at else now() + $1 * interval '1 ms' end,
             start_deadline_at = case when state = 'STARTING' then greatest(start_deadline_at, now() + $1 * interval '1 ms')
                                      else start_deadline_at end`,
    values: [leaseTtlMs],
  });
}

export async function lostExecutions(pool: pg.Pool, limit: number): Promise<LostExecution[]> {
  const { rows } = await pool.query<{
    id: string;
    fence: string;
    run_id: string;
    environment_id: number;
    deployment_id: string;
    worker_id: string | null;
    state: string;
  }>({
    name: "lost-executions",
    text: `select id, fence::text, run_id, environment_id, deployment_id, worker_id, state::text from execution
           where (state = 'RUNNING' and lease_expires_at < now()) or (state = 'STARTING' and start_deadline_at < now())
           limit $1`,
    values: [limit],
  });
  return rows.map((row) => ({
    executionId: row.id,
    fence: row.fence,
    runId: row.run_id,
    environmentId: row.environment_id,
    deploymentId: row.deployment_id,
    workerId: row.worker_id ?? undefined,
    why: row.state === "STARTING" ? "START_DEADLINE" : "LEASE_EXPIRED",
  }));
}

export async function liveExecution(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
): Promise<ExecutionRef | undefined> {
  const { rows } = await pool.query<{ execution_id: string; fence: string }>({
    name: "live-execution",
    text: `select r.execution_id, r.fence::text from run r
           where r.environment_id = $1 and r.id = $2 and r.execution_id is not null`,
    values: [environmentId, runId],
  });
  const row = rows[0];
  return row === undefined ? undefined : { executionId: row.execution_id, fence: row.fence };
}
