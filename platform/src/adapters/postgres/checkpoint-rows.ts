import type pg from "pg";
import type { SecretBox } from "../../secrets/secret-box.ts";

/** What several statements say of checkpoints. */

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
export const isUuid = (text: string): boolean => UUID.test(text);

/** How admission is to take the run of a statement's own columns: its process is brought back where one is stored. */
export const ADMISSION_OF = `(case when checkpoint_id is null then 'start' else 'restore' end)::admission_kind`;

/** What a sealed value is bound to: it opens for no other checkpoint. */
export const keyContext = (checkpointId: string): string => `checkpoint/${checkpointId}/key`;
export const memoContext = (checkpointId: string): string => `checkpoint/${checkpointId}/memo`;

export const sealMemo = (secrets: SecretBox, checkpointId: string, memo: string): Buffer =>
  secrets.seal(memo, memoContext(checkpointId));

/** Bytes of all stored processes of an environment: along an index alone. */
export async function storedBytesOf(client: pg.Pool | pg.PoolClient, environmentId: number): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>({
    name: "checkpoint-bytes",
    text: `select coalesce(sum(c.stored_bytes), 0)::bigint as bytes from checkpoint c
           where c.environment_id = $1 and c.state = 'stored'`,
    values: [environmentId],
  });
  return Number(rows[0]?.bytes ?? 0);
}
