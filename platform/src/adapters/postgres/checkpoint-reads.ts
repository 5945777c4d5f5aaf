import type { NodeFeatures, RestoreGrant } from "@gantry/sdk/contract";
import type pg from "pg";
import type { CheckpointView, ParkedView, RestoreNeeds } from "../../checkpoints/checkpoint-store.ts";
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

interface ParkedRow {
  park: { mode: ParkedView["mode"]; reason: ParkedView["reason"]; at?: string };
  because: string | null;
  id: string | null;
  stored_bytes: string;
  bytes: string;
  stored_at: Date;
  node: string;
  failures: number;
}

export async function parkedView(pool: pg.Pool, environmentId: number, runId: string): Promise<ParkedView | undefined> {
  const { rows } = await pool.query<ParkedRow>({
    name: "parked-view",
    text: `select g.park, coalesce(x.park -> 'ifLost', c.if_lost) ->> 'because' as because,
             c.id, c.stored_bytes, c.bytes, c.stored_at, c.features ->> 'node' as node, c.failures
           from run r
           join run_journal g on g.run_id = r.id
           left join execution x on x.id = r.execution_id
           left join checkpoint c on c.id = r.checkpoint_id
           where r.environment_id = $1 and r.id = $2 and (r.status = 'WAITING' or r.checkpoint_id is not null)
             and (g.park ->> 'mode' <> 'hold' or x.id is not null)`,
    values: [environmentId, runId],
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  const { mode, reason, at } = row.park;
  const because = row.because ?? undefined;
  return { mode, reason, since: at === undefined ? undefined : new Date(at), because, stored: storedOf(row) };
}

function storedOf({ id, node, failures, ...row }: ParkedRow): CheckpointView | undefined {
  if (id === null) return undefined;
  return {
    id,
    storedBytes: Number(row.stored_bytes),
    bytes: Number(row.bytes),
    storedAt: row.stored_at,
    node,
    failures,
  };
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
