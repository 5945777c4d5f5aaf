import type pg from "pg";
import type { MasterKey } from "../../secrets/master-key.ts";
import { SecretBox } from "../../secrets/secret-box.ts";
import { keyContext, memoContext } from "./checkpoint-rows.ts";
import { apiKeyContext } from "./prisma-projects.ts";
import { variableContext } from "./prisma-variables.ts";
import { inTransaction } from "./transaction.ts";

export interface RotationReport {
  /** Rows that were sealed anew, by what they hold. */
  apiKeys: number;
  variables: number;
  /** Of stored processes. */
  checkpoints: number;
  /** Of the key that the database is bound to now. */
  fingerprint: string;
}

interface Row {
  sealed: Buffer;
  context: string;
  /** Of the update. */
  key: unknown[];
}

/** Where secrets lie: rows that do not begin with $1, and how one is replaced. */
interface Place {
  select: string;
  update: string;
  toRow(row: Record<string, unknown>): Row;
}

const BATCH = 200;
const API_KEYS: Place = {
  select: `select id, hash, secret_encrypted as sealed from api_key
           where substring(secret_encrypted for octet_length($1::bytea)) <> $1::bytea order by id limit ${BATCH} for no key update`,
  update: "update api_key set secret_encrypted = $1 where id = $2",
  toRow: ({ id, hash, sealed }) => ({ sealed: sealed as Buffer, context: apiKeyContext(hash as Buffer), key: [id] }),
};
const VARIABLES: Place = {
  select: `select environment_id, name, value_encrypted as sealed from environment_variable
           where substring(value_encrypted for octet_length($1::bytea)) <> $1::bytea
           order by environment_id, name limit ${BATCH} for no key update`,
  update: "update environment_variable set value_encrypted = $1 where environment_id = $2 and name = $3",
  toRow: ({ environment_id: environmentId, name, sealed }) => ({
    sealed: sealed as Buffer,
    context: variableContext(environmentId as number, name as string),
    key: [environmentId, name],
  }),
};

/** What was given up is not opened again. */
const ofCheckpoints = (column: "key_encrypted" | "memo_encrypted", contextOf: (id: string) => string): Place => ({
  select: `select id, ${column} as sealed from checkpoint
           where substring(${column} for octet_length($1::bytea)) <> $1::bytea and state <> 'released'
           order by id limit ${BATCH} for no key update`,
  update: `update checkpoint set ${column} = $1 where id = $2`,
  toRow: ({ id, sealed }) => ({ sealed: sealed as Buffer, context: contextOf(id as string), key: [id] }),
});
const CHECKPOINT_KEYS = ofCheckpoints("key_encrypted", keyContext);
const CHECKPOINT_MEMOS = ofCheckpoints("memo_encrypted", memoContext);

/**
 * Seals every secret with the current key that a previous one sealed, then binds the database to it. Safe to stop at any
 * line, to run again and beside running platforms: each batch is a transaction, and what is done is not looked at again.
 *
 * Errors: a secret that none of the given keys opens; nothing of its batch is changed then, and the binding stays.
 */
export async function rotateSecrets(pool: pg.Pool, master: MasterKey): Promise<RotationReport> {
  const box = new SecretBox(master);
  const apiKeys = await reseal(pool, box, API_KEYS);
  const variables = await reseal(pool, box, VARIABLES);
  const checkpoints = await reseal(pool, box, CHECKPOINT_KEYS);
  await reseal(pool, box, CHECKPOINT_MEMOS);
  await pool.query("update cluster_state set key_fingerprint = $1 where id = 1", [master.fingerprint]);
  return { apiKeys, variables, checkpoints, fingerprint: master.fingerprint };
}

async function reseal(pool: pg.Pool, box: SecretBox, place: Place): Promise<number> {
  for (let all = 0; ; ) {
    const done = await inTransaction(pool, async (client) => {
      const { rows } = await client.query<Record<string, unknown>>(place.select, [box.head]);
      for (const { sealed, context, key } of rows.map(place.toRow))
        await client.query(place.update, [box.seal(opened(box, sealed, context), context), ...key]);
      return rows.length;
    });
    all += done;
    if (done < BATCH) return all;
  }
}

function opened(box: SecretBox, sealed: Buffer, context: string): string {
  try {
    return box.open(sealed, context);
  } catch (cause) {
    throw new Error(
      `The secret of "${context}" opens with none of the given keys: name the key it was sealed with in ` +
        "GANTRY_PLATFORM_PREVIOUS_ENCRYPTION_KEYS.",
      { cause },
    );
  }
}
