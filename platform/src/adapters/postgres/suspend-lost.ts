import type pg from "pg";
import type { ExecutionRef, LaneAnnouncement } from "../../runs/run-store.ts";
import { lockHeld } from "./held-executions.ts";
import { inTransaction } from "./transaction.ts";

interface Row {
  lane_id: string | null;
  order_at: string | null;
  is_canceled: boolean;
}

/**
 * See RunStore.suspendLost. What the process computed until it was parked counts as used. `isCanceled`: the caller ends it, as
 * no worker is left that could be told.
 */
export async function suspendLost(
  pool: pg.Pool,
  execution: ExecutionRef & { environmentId: number; runId: string },
): Promise<{ announcement: LaneAnnouncement | undefined; isCanceled: boolean } | "fenced"> {
  const { environmentId, runId } = execution;
  const row = await inTransaction(pool, async (client) => {
    if (!(await lockHeld(client, environmentId, execution))) return undefined;
    const { rows } = await client.query<Row>({
      name: "suspend-lost",
      text: `
        with ended as (
          delete from execution e where e.id = $1 and e.run_id = $2 and e.environment_id = $3 and e.state = 'PARKED'
          returning e.id, e.run_id, e.park
        ), suspended as (
          update run r set execution_id = null, platform_losses = r.platform_losses + 1, attempt_started_at = null,
            compute_ms = r.compute_ms + coalesce((e.park ->> 'computeMs')::bigint, 0), updated_at = now(),
            revision = r.revision + 1
          from ended e where r.environment_id = $3 and r.id = e.run_id and r.execution_id = e.id
          returning r.id, r.environment_id, r.status, r.lane_id, r.order_at, r.cancel_requested_at
        ), replayed as (
          update ready d set admission = 'replay' from suspended s
          where s.status = 'QUEUED' and d.lane_id = s.lane_id and d.order_at = s.order_at and d.run_id = s.id
        )
        select case when status = 'QUEUED' then lane_id end as lane_id, order_at::text,
          cancel_requested_at is not null as is_canceled
        from suspended`,
      values: [execution.executionId, runId, environmentId],
    });
    return rows[0];
  });
  if (row === undefined) return "fenced";
  const { lane_id: laneId } = row;
  return {
    isCanceled: row.is_canceled,
    announcement: laneId === null ? undefined : { environmentId, laneId, orderAt: row.order_at ?? undefined },
  };
}
