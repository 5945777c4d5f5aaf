import type pg from "pg";
import type { ExecutionRef } from "../../runs/run-store.ts";

/** Live runs that neither execute nor wait for what they began themselves: queued, delayed, or waiting for a version. */
export async function countQueued(pool: pg.Pool, environmentId: number): Promise<number> {
  const { rows } = await pool.query<{ n: number }>({
    name: "count-queued",
    text: `select greatest(0, (select count(*) from run where environment_id = $1)
             - (select count(*) from slot where environment_id = $1)
             - (select count(*) from run_journal where environment_id = $1 and waits_after is not null))::int as n`,
    values: [environmentId],
  });
  return rows[0]?.n ?? 0;
}

export async function parentFacts(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
  childLimit: number,
): Promise<{ rootRunId: string; depth: number; full: boolean; execution: ExecutionRef | undefined } | undefined> {
  const { rows } = await pool.query<{
    root_run_id: string | null;
    depth: number;
    full: boolean;
    execution_id: string | null;
    fence: string;
  }>({
    name: "parent-facts",
    text: `select r.root_run_id, r.depth, r.execution_id, r.fence::text,
             exists (select 1 from run c where c.parent_run_id = r.id offset $3 limit 1) as full
           from run r where r.environment_id = $1 and r.id = $2`,
    values: [environmentId, runId, childLimit - 1],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    rootRunId: row.root_run_id ?? runId,
    depth: row.depth,
    full: row.full,
    execution: row.execution_id === null ? undefined : { executionId: row.execution_id, fence: row.fence },
  };
}

/** Live executions of an environment that have a worker, by deployment. */
export async function executionsByDeployment(pool: pg.Pool, environmentId: number): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ id: string; n: number }>({
    name: "executions-by-deployment",
    text: `select x.deployment_id as id, count(*)::int as n from slot s join execution x on x.id = s.execution_id
           where s.environment_id = $1 and x.worker_id is not null group by 1`,
    values: [environmentId],
  });
  return new Map(rows.map(({ id, n }) => [id, n]));
}
