import type { NodeFeatures, RestoreGrant } from "@gantry/sdk/contract";
import type pg from "pg";
import type { CheckpointView, RestoreNeeds } from "../../checkpoints/checkpoint-store.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import { keyContext, memoContext } from "./checkpoint-rows.ts";

/** A run's stored process, by the reference that counts. */
const OF_RUN = `from run r join checkpoint c on c.id = r.checkpoint_id where r.environment_id = $1`;

interface GrantRow {
  id: string;
  chunks: number;
  bytes: string;
  stored_bytes: string;
  sha256: Buffer;
  features: NodeFeatures;
  known: number;
  key_encrypted: Buffer;
  memo_encrypted: Buffer;
}

export async function restoreGrant(
  pool: pg.Pool,
  secrets: SecretBox,
  environmentId: number,
  runId: string,
): Promise<RestoreGrant | undefined> {
  const { rows } = await pool.query<GrantRow>({
    name: "restore-grant",
    text: `select c.id, c.chunks, c.bytes, c.stored_bytes, c.sha256, c.features, c.known, c.key_encrypted, c.memo_encrypted
           ${OF_RUN} and r.id = $2`,
    values: [environmentId, runId],
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  const { id: checkpointId, chunks, features, known } = row;
  return {
    checkpointId,
    chunks,
    bytes: Number(row.bytes),
    storedBytes: Number(row.stored_bytes),
    sha256: row.sha256.toString("hex"),
    features,
    memo: secrets.open(row.memo_encrypted, memoContext(checkpointId)),
    key: secrets.open(row.key_encrypted, keyContext(checkpointId)),
    known,
  };
}

export async function restoreNeeds(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
): Promise<RestoreNeeds | undefined> {
  const { rows } = await pool.query<{ features: NodeFeatures; refused_nodes: string[] }>({
    name: "restore-needs",
    text: `select c.features, c.refused_nodes ${OF_RUN} and r.id = $2`,
    values: [environmentId, runId],
  });
  const [row] = rows;
  return row && { features: row.features, refusedNodes: row.refused_nodes };
}

interface ViewRow {
  run_id: string;
  id: string;
  stored_bytes: string;
  bytes: string;
  stored_at: Date;
  node: string;
  failures: number;
}

export async function checkpointViews(
  pool: pg.Pool,
  environmentId: number,
  runIds: string[],
): Promise<Map<string, CheckpointView>> {
  if (runIds.length === 0) return new Map();
  const { rows } = await pool.query<ViewRow>({
    name: "checkpoint-views",
    text: `select r.id as run_id, c.id, c.stored_bytes, c.bytes, c.stored_at, c.features ->> 'node' as node, c.failures
           ${OF_RUN} and r.id = any ($2::uuid[])`,
    values: [environmentId, runIds],
  });
  return new Map(
    rows.map(({ run_id: runId, id, node, failures, ...row }) => [
      runId,
      {
        id,
        storedBytes: Number(row.stored_bytes),
        bytes: Number(row.bytes),
        storedAt: row.stored_at,
        node,
        failures,
      },
    ]),
  );
}

/** Along an index alone, however many there are. */
export async function checkpointFigures(
  pool: pg.Pool,
): Promise<{ stored: number; storedBytes: number; staged: number }> {
  const { rows } = await pool.query<{ stored: number; bytes: string; staged: number }>({
    name: "checkpoint-figures",
    text: `select (count(*) filter (where c.state = 'stored'))::int as stored,
             (count(*) filter (where c.state = 'staged'))::int as staged,
             coalesce(sum(c.stored_bytes) filter (where c.state = 'stored'), 0)::bigint as bytes
           from checkpoint c`,
  });
  const [row] = rows;
  return { stored: row?.stored ?? 0, storedBytes: Number(row?.bytes ?? 0), staged: row?.staged ?? 0 };
}

/** What has come so far of those that are being stored: few at a time. */
export async function stagedBytesOf(pool: pg.Pool, environmentId: number): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>({
    name: "staged-bytes",
    text: `select coalesce(sum(octet_length(k.data)), 0)::bigint as bytes
           from checkpoint c join checkpoint_chunk k on k.checkpoint_id = c.id
           where c.environment_id = $1 and c.state = 'staged'`,
    values: [environmentId],
  });
  return Number(rows[0]?.bytes ?? 0);
}
