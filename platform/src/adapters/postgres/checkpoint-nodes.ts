import type { NodeFeatures } from "@gantry/sdk/contract";
import type pg from "pg";
import type { CheckpointNode } from "../../checkpoints/checkpoint-store.ts";
import { jsonSafe, storableText } from "./storable-text.ts";

/** Every runner says so at its start: what is no news, and was said lately, writes nothing. */
const FRESH = "interval '1 minute'";
/** Nodes come and go: so many, those that were heard of last; what was found out longer ago may have changed. */
const MOST_NODES = 1000;
const KEPT = "interval '1 day'";

export async function noteNode(
  pool: pg.Pool,
  features: NodeFeatures,
  works: boolean,
  reason: string | undefined,
): Promise<void> {
  await pool.query({
    name: "note-checkpoint-node",
    text: `insert into checkpoint_node (node, works, reason, features)
           select $1, $2, $3, $4::jsonb where not exists (
             select 1 from checkpoint_node n where n.node = $1 and n.works = $2 and n.reason is not distinct from $3
               and n.features = $4::jsonb and n.seen_at > now() - ${FRESH})
           on conflict (node) do update
           set works = excluded.works, reason = excluded.reason, features = excluded.features, seen_at = now()`,
    values: [
      storableText(features.node),
      works,
      reason === undefined ? null : storableText(reason),
      JSON.stringify(jsonSafe(features)),
    ],
  });
}

export async function checkpointNodes(pool: pg.Pool): Promise<CheckpointNode[]> {
  const { rows } = await pool.query<{ features: NodeFeatures; works: boolean; reason: string | null; seen_at: Date }>({
    name: "checkpoint-nodes",
    text: `select n.features, n.works, n.reason, n.seen_at from checkpoint_node n
           where n.seen_at > now() - ${KEPT} order by n.seen_at desc limit ${MOST_NODES}`,
  });
  return rows
    .map(({ features, works, reason, seen_at: seenAt }) => ({ features, works, reason: reason ?? undefined, seenAt }))
    .sort((a, b) => (a.features.node < b.features.node ? -1 : 1));
}
