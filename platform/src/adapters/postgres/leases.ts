import type pg from "pg";
import type { ExecutionRef, LostExecution } from "../../runs/run-store.ts";
import { inTransaction } from "./transaction.ts";

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const FENCE = /^\d{1,18}$/;

/**
 * One UPDATE for all heartbeats of a second. An execution that is not in `alive` is fenced.
 *
 * It waits for nobody: a row that is locked is being written by the very worker that sent the heartbeat, or ended, and is
 * extended the next time. So it never meets a batch of completions in a deadlock. What is no id at all is left out: one
 * worker's nonsense must not cost the others their leases.
 */
export async function heartbeat(
  pool: pg.Pool,
  executions: ExecutionRef[],
  leaseTtlMs: number,
): Promise<{ alive: string[]; cancel: string[] }> {
  const known = executions.filter(({ executionId, fence }) => UUID.test(executionId) && FENCE.test(fence));
  if (known.length === 0) return { alive: [], cancel: [] };
  const { rows } = await pool.query<{ id: string; cancel: boolean }>({
    name: "heartbeat",
    text: `
      with beat as materialized (
        select b.id, b.fence from unnest($1::uuid[], $2::bigint[]) as b (id, fence)
      ), held as materialized (
        select e.id from execution e join beat b on e.id = b.id and e.fence = b.fence
        for no key update of e skip locked
      ), extended as (
        update execution e set lease_expires_at = now() + $3 * interval '1 ms' from held h where e.id = h.id
      ), seen as (
        update failure_hook h set seen_at = now() from beat b where h.execution_id = b.id and h.seen_at is null
      )
      select e.id, r.cancel_requested_at is not null as cancel
      from beat b join execution e on e.id = b.id and e.fence = b.fence
      join run r on r.environment_id = e.environment_id and r.id = e.run_id and r.execution_id = e.id
      union all
      -- onFailure hooks run on executions of their own, whose run has ended.
      select h.execution_id, false from beat b join failure_hook h on h.execution_id = b.id`,
    values: [known.map((one) => one.executionId), known.map((one) => one.fence), leaseTtlMs],
  });
  return { alive: rows.map((row) => row.id), cancel: rows.filter((row) => row.cancel).map((row) => row.id) };
}

async function refreshLeases(pool: pg.ClientBase, leaseTtlMs: number): Promise<void> {
  await pool.query({
    name: "refresh-leases",
    text: `update execution set
             lease_expires_at = case when state = 'STARTING' then lease_expires_at else now() + $1 * interval '1 ms' end,
             start_deadline_at = case when state = 'STARTING' then greatest(start_deadline_at, now() + $1 * interval '1 ms')
                                      else start_deadline_at end`,
    values: [leaseTtlMs],
  });
}

/** See RunStore. The first statement is all there is to do in every second but the first after a gap. */
export async function receiving(pool: pg.Pool, gapMs: number, leaseTtlMs: number): Promise<void> {
  const { rowCount } = await pool.query({
    name: "receiving",
    text: `update cluster_state set heartbeats_at = now()
           where id = 1 and heartbeats_at > now() - $1 * interval '1 ms'`,
    values: [gapMs],
  });
  if (rowCount === 1) return;
  await inTransaction(pool, async (client) => {
    // Who waited for another replica here finds that it has done this already.
    const { rows } = await client.query<{ away: boolean }>(
      `select coalesce(heartbeats_at <= now() - $1 * interval '1 ms', true) as away from cluster_state where id = 1
       for no key update`,
      [gapMs],
    );
    if (rows[0]?.away === true) await refreshLeases(client, leaseTtlMs);
    await client.query("update cluster_state set heartbeats_at = clock_timestamp() where id = 1");
  });
}

export async function lostExecutions(pool: pg.Pool, limit: number, gapMs: number): Promise<LostExecution[]> {
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
           where ((state in ('RUNNING', 'PARKED') and lease_expires_at < now()) or (state = 'STARTING' and start_deadline_at < now()))
             and (select heartbeats_at > now() - $2 * interval '1 ms' from cluster_state where id = 1)
           limit $1`,
    values: [limit, gapMs],
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
