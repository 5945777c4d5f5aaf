import type { RunEvent } from "@gantry/sdk/contract";
import type pg from "pg";
import type { StoredRunEvent } from "../../runs/run.ts";
import type { ExecutionRef, MetadataBatch } from "../../runs/run-store.ts";
import { storableText } from "./storable-text.ts";
import { inTransaction } from "./transaction.ts";

/** What is written beside a run without changing its status: tags, metadata, events. A run that has ended keeps taking tags and metadata. */
export async function addTags(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
  tags: string[],
  limit: number,
): Promise<string[] | "unknown" | "tooMany"> {
  for (const table of ["run", "run_history"]) {
    const { rows } = await pool.query<{ tags: string[]; ok: boolean }>({
      name: `add-tags-${table}`,
      text: `
        with wanted as (
          select array(
            select t from unnest(r.tags || $3::text[]) with ordinality as u (t, n) group by t order by min(n)) as tags
          from ${table} r where r.environment_id = $1 and r.id = $2 for update
        ), done as (
          update ${table} r set tags = w.tags, revision = r.revision + 1${table === "run" ? ", updated_at = now()" : ""}
          from wanted w where r.environment_id = $1 and r.id = $2 and cardinality(w.tags) <= $4
          returning r.tags
        )
        select tags, true as ok from done
        union all select tags, false from wanted where cardinality(tags) > $4`,
      values: [environmentId, runId, tags, limit],
    });
    if (rows[0] !== undefined) return rows[0].ok ? rows[0].tags : "tooMany";
  }
  return "unknown";
}

/** Reads, changes and writes the metadata under the row's lock. `apply` gets and returns JSON text; what it throws is rolled back. */
export async function updateMetadata(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
  apply: (current: string | undefined) => string,
): Promise<string | undefined> {
  return inTransaction(pool, (client) => applyMetadata(client, environmentId, runId, apply));
}

/**
 * Applies a worker's batch of metadata operations once: to its run, its parent and its root, in one transaction with the
 * note that it has come. Locks go up the tree, so that relatives that write at once wait for each other in one order.
 * Undefined where it came before, or the execution is stale.
 */
export function applyMetadataBatch(
  pool: pg.Pool,
  execution: ExecutionRef,
  batch: MetadataBatch,
): Promise<{ environmentId: number; runIds: string[] } | undefined> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<ClaimedRow>({
      name: "claim-metadata-batch",
      text: `with claimed as (
               update execution e set metadata_batch = $3 where e.id = $1 and e.fence = $2 and e.metadata_batch < $3
               returning e.run_id, e.environment_id
             )
             select r.id, r.environment_id, r.parent_run_id, r.root_run_id
             from claimed c join run r on r.environment_id = c.environment_id and r.id = c.run_id`,
      values: [execution.executionId, execution.fence, batch.number],
    });
    const run = rows[0];
    if (run === undefined) return undefined;
    // Without a parent or root, the run itself takes their operations, as in Trigger.dev.
    const changes = [
      [run.id, batch.own],
      [run.parent_run_id ?? run.id, batch.parent],
      [run.root_run_id ?? run.id, batch.root],
    ] as const;
    const runIds = new Set<string>();
    for (const [runId, apply] of changes) {
      if (apply === undefined) continue;
      await applyMetadata(client, run.environment_id, runId, apply);
      runIds.add(runId);
    }
    return { environmentId: run.environment_id, runIds: [...runIds] };
  });
}

interface ClaimedRow {
  id: string;
  environment_id: number;
  parent_run_id: string | null;
  root_run_id: string | null;
}

async function applyMetadata(
  client: pg.PoolClient,
  environmentId: number,
  runId: string,
  apply: (current: string | undefined) => string,
): Promise<string | undefined> {
  for (const table of ["run", "run_history"]) {
    const { rows } = await client.query<{ metadata: Buffer | null }>({
      name: `lock-metadata-${table}`,
      text: `select metadata from ${table} where environment_id = $1 and id = $2 for update`,
      values: [environmentId, runId],
    });
    if (rows[0] === undefined) continue;
    const next = apply(rows[0].metadata?.toString("utf8"));
    await client.query({
      name: `write-metadata-${table}`,
      text: `update ${table} set metadata = $3, metadata_type = 'application/json', revision = revision + 1
             ${table === "run" ? ", updated_at = now()" : ""} where environment_id = $1 and id = $2`,
      values: [environmentId, runId, Buffer.from(next, "utf8")],
    });
    return next;
  }
  return undefined;
}

/** Stores a batch of events once; false where the execution is stale. */
export async function appendEvents(
  pool: pg.Pool,
  execution: ExecutionRef,
  batch: number,
  attempt: number,
  events: RunEvent[],
): Promise<boolean> {
  const { rows } = await pool.query<{ known: boolean }>({
    name: "append-events",
    text: `
      with fresh as (
        update execution e set events_batch = $3 where e.id = $1 and e.fence = $2 and e.events_batch < $3
        returning e.run_id, e.environment_id
      ), hook as (
        -- onFailure hooks log to the run that failed.
        update failure_hook h set events_batch = $3, seen_at = coalesce(h.seen_at, now())
        where h.execution_id = $1 and h.events_batch < $3
        returning h.run_id, h.environment_id
      ), stored as (
        insert into run_event (run_id, environment_id, at, attempt, kind, level, message, data)
        select f.run_id, f.environment_id, to_timestamp(v.at / 1000), $4, v.kind, v.level, v.message, v.data
        from (select * from fresh union all select * from hook) f,
          unnest($5::float8[], $6::text[], $7::text[], $8::text[], $9::text[]) with ordinality as v (at, kind, level, message, data, n)
        order by v.n
      )
      select exists (select 1 from execution e where e.id = $1 and e.fence = $2)
        or exists (select 1 from failure_hook h where h.execution_id = $1) as known`,
    values: [
      execution.executionId,
      execution.fence,
      batch,
      attempt,
      events.map((event) => clampTime(event.at)),
      events.map((event) => event.kind),
      events.map((event) => event.level),
      events.map((event) => storableText(event.message)),
      events.map((event) => (event.data === undefined ? null : storableText(event.data))),
    ],
  });
  return rows[0]?.known ?? false;
}

const clampTime = (ms: number) => Math.min(Math.max(ms, 0), 253_402_300_799_000);

interface EventRow {
  id: string;
  at: Date;
  attempt: number;
  kind: StoredRunEvent["kind"];
  level: string;
  message: string;
  data: string | null;
}

export async function readEvents(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
  after: string | undefined,
  limit: number,
): Promise<StoredRunEvent[]> {
  const { rows } = await pool.query<EventRow>({
    name: "read-events",
    text: `select id, at, attempt, kind, level, message, data from run_event
           where run_id = $1 and environment_id = $2 and id > $3 order by id limit $4`,
    values: [runId, environmentId, after ?? "0", limit],
  });
  return rows.map((row) => ({
    at: row.at,
    attempt: row.attempt,
    kind: row.kind,
    level: row.level,
    message: row.message,
    data: row.data ?? undefined,
    cursor: row.id,
  }));
}

export async function resetIdempotencyKey(
  pool: pg.Pool,
  environmentId: number,
  taskId: string | undefined,
  key: string,
): Promise<number> {
  const { rowCount } = await pool.query({
    name: "reset-idempotency-key",
    text: `delete from idempotency where environment_id = $1 and ($2::text is null or task_id = $2)
             and key = sha256(convert_to($3, 'UTF8'))`,
    values: [environmentId, taskId ?? null, key],
  });
  return rowCount ?? 0;
}
