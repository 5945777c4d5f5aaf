import { randomBytes } from "node:crypto";
import type pg from "pg";
import type { CheckpointStore } from "../../checkpoints/checkpoint-store.ts";
import { newUuid } from "../../ids.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import { getChunk, putChunk } from "./checkpoint-chunks.ts";
import * as nodes from "./checkpoint-nodes.ts";
import * as reads from "./checkpoint-reads.ts";
import { isUuid, keyContext, storedBytesOf } from "./checkpoint-rows.ts";
import { sweepCheckpoints } from "./checkpoint-sweep.ts";
import { spend } from "./spend-checkpoint.ts";

/** Of AES-256-GCM. */
const KEY_BYTES = 32;

/**
 * Stored processes on Postgres. Whoever changes one locks, in this order:
 *
 *   execution    for update: park, spend; its end waits for us
 *   run_journal  park
 *   checkpoint   for key share: a chunk; for update: park. A sweep locks nothing else
 *   run          the reference; a trigger releases the checkpoint that it leaves
 */
export function createPostgresCheckpointStore(pool: pg.Pool, secrets: SecretBox): CheckpointStore {
  return {
    async begin(execution, maxEnvironmentBytes) {
      const { environmentId } = execution;
      const used = (await storedBytesOf(pool, environmentId)) + (await reads.stagedBytesOf(pool, environmentId));
      if (used >= maxEnvironmentBytes) return { limit: "environmentCheckpointBytes", max: maxEnvironmentBytes };
      const checkpointId = newUuid();
      const key = randomBytes(KEY_BYTES).toString("base64");
      const { rowCount } = await pool.query({
        name: "begin-checkpoint",
        text: `insert into checkpoint (id, environment_id, run_id, execution_id, key_encrypted)
               select $4, r.environment_id, r.id, x.id, $5 from execution x
               join run r on r.environment_id = x.environment_id and r.id = x.run_id and r.execution_id = x.id
               where x.id = $1 and x.fence = $2 and x.environment_id = $3`,
        values: [
          execution.executionId,
          execution.fence,
          environmentId,
          checkpointId,
          secrets.seal(key, keyContext(checkpointId)),
        ],
      });
      return rowCount === 1 ? { checkpointId, key } : "fenced";
    },
    putChunk: (owner, number, data) => putChunk(pool, owner, number, data),
    getChunk: (owner, number) => getChunk(pool, owner, number),
    restoreGrant: (environmentId, runId) => reads.restoreGrant(pool, secrets, environmentId, runId),
    restoreNeeds: (environmentId, runId) => reads.restoreNeeds(pool, environmentId, runId),
    spend: (execution, checkpointId) =>
      isUuid(checkpointId) ? spend(pool, execution, checkpointId) : Promise.resolve("spent"),
    async noteFailure(environmentId, runId, node) {
      const { rows } = await pool.query<{ failures: number }>({
        name: "note-restore-failure",
        text: `update checkpoint c set failures = least(c.failures + 1, 30000),
                 refused_nodes = case when $3::text is null or $3 = any (c.refused_nodes) then c.refused_nodes
                   else (c.refused_nodes || $3)[greatest(1, cardinality(c.refused_nodes) - 98):] end
               from run r where r.environment_id = $1 and r.id = $2 and c.id = r.checkpoint_id returning c.failures`,
        values: [environmentId, runId, node ?? null],
      });
      return rows[0]?.failures ?? 0;
    },
    ofRun: (environmentId, runId) => reads.parkedView(pool, environmentId, runId),
    sweep: (stagedForMs, limit) => sweepCheckpoints(pool, stagedForMs, limit),
    figures: () => reads.checkpointFigures(pool),
    noteNode: (features, works, reason) => nodes.noteNode(pool, features, works, reason),
    nodes: () => nodes.checkpointNodes(pool),
  };
}
