import type { StoredCheckpoint } from "@gantry/sdk/contract";
import type pg from "pg";
import type { CheckpointRefusal } from "../../checkpoints/checkpoint-store.ts";
import { isUuid, storedBytesOf } from "./checkpoint-rows.ts";

/** What a park asks of a staged checkpoint, and does with it. The execution and the journal are locked before. */

export interface StagedBy {
  environmentId: number;
  executionId: string;
}

/**
 * Whether all of it is there and fits, and undefined where so. From then on the row is locked: no chunk comes any more. Of
 * those that park in one environment together each sees what the others have stored.
 */
export async function whyNotStored(
  client: pg.PoolClient,
  { environmentId, executionId }: StagedBy,
  checkpoint: StoredCheckpoint,
  maxBytes: number,
): Promise<CheckpointRefusal | { limit: "incomplete" } | undefined> {
  if (!isUuid(checkpoint.checkpointId)) return { limit: "incomplete" };
  const { rowCount } = await client.query({
    name: "lock-staged",
    text: `select 1 from checkpoint c
           where c.id = $1 and c.execution_id = $2 and c.environment_id = $3 and c.state = 'staged' for update`,
    values: [checkpoint.checkpointId, executionId, environmentId],
  });
  if (rowCount !== 1 || !(await isComplete(client, checkpoint))) return { limit: "incomplete" };
  await client.query({
    name: "lock-environment",
    text: "select pg_advisory_xact_lock(4401, $1)",
    values: [environmentId],
  });
  const stored = await storedBytesOf(client, environmentId);
  return stored + checkpoint.storedBytes > maxBytes
    ? { limit: "environmentCheckpointBytes", max: maxBytes }
    : undefined;
}

/** In a statement of its own: it sees what was put while the row's lock was waited for. */
async function isComplete(client: pg.PoolClient, checkpoint: StoredCheckpoint): Promise<boolean> {
  const { rows } = await client.query<{ n: number; last: number | null; bytes: string }>({
    name: "staged-chunks",
    text: `select count(*)::int as n, max(k.number) as last, coalesce(sum(octet_length(k.data)), 0)::bigint as bytes
           from checkpoint_chunk k where k.checkpoint_id = $1`,
    values: [checkpoint.checkpointId],
  });
  const [found] = rows;
  return (
    found?.n === checkpoint.chunks &&
    found.last === checkpoint.chunks - 1 &&
    Number(found.bytes) === checkpoint.storedBytes
  );
}

/** A staged checkpoint that is never to be stored; the sweep deletes it. */
export async function releaseStaged(
  client: pg.PoolClient,
  { executionId }: StagedBy,
  checkpointId: string,
): Promise<void> {
  if (!isUuid(checkpointId)) return;
  await client.query({
    name: "release-staged",
    text: "update checkpoint set state = 'released' where id = $1 and execution_id = $2 and state = 'staged'",
    values: [checkpointId, executionId],
  });
}
