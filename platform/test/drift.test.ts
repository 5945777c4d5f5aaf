import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type DatabaseShape, plainDefault, readDatamodel } from "./support/prisma-datamodel.ts";
import { testDatabase } from "./support/test-database.ts";

const { pool } = await testDatabase();
const SCHEMA_FILE = join(import.meta.dirname, "..", "..", "prisma", "schema.prisma");

/** What migrations make and Prisma's language cannot say. Whoever adds one says here why it is there. */
const SQL_ONLY: Record<string, string> = {
  "run index gin (tags) where (tags <> '{}'::text[])": "runs by tag; most have none",
  "run index (parent_run_id) where (parent_run_id IS NOT NULL)": "children of a run; most have no parent",
  "run_history index gin (tags) where (tags <> '{}'::text[])": "runs by tag; most have none",
  "run_history index (parent_run_id) where (parent_run_id IS NOT NULL)": "children of a run; most have no parent",
  "run_history index (environment_id, status, id) where (status <> 'COMPLETED'::run_status)":
    "what went wrong; most did not",
  "run_history index brin (finished_at)": "what ended within a stretch of time; it costs an insert nothing",
  "run_history index (environment_id, error_fingerprint, id) where (error_fingerprint IS NOT NULL)":
    "runs with an error; most have none",
  "run_history index (root_run_id, id) where (root_run_id IS NOT NULL)": "runs of a tree; most are roots",
  "run_history index (environment_id, machine, id) where (machine IS NOT NULL)": "most have the default machine",
  "run_history index (deployment_id, id) where (deployment_id IS NOT NULL)": "runs of a version",
  "run_history index (environment_id, id) where is_test": "few are tests",
  "run_history index (batch_id) where ((batch_id IS NOT NULL) AND (status <> 'COMPLETED'::run_status))":
    "what failed in a batch",
  "run_history index (environment_id, hashtextextended(idempotency_key, 0::bigint), id) where (idempotency_key IS NOT NULL)":
    "a run by its key; a long key fits no index",
  "run_history index (environment_id, hashtextextended(idempotency_options ->> 'key'::text, 0::bigint), id) where (idempotency_options IS NOT NULL)":
    "a run by the key that the user wrote",
  "run index (environment_id, machine, id) where (machine IS NOT NULL)": "most have the default machine",
  "run index (environment_id, id) where is_test": "few are tests",
  "run index (root_run_id, id) where (root_run_id IS NOT NULL)": "runs of a tree; most are roots",
  "run index (environment_id, hashtextextended(idempotency_key, 0::bigint), id) where (idempotency_key IS NOT NULL)":
    "a run by its key; a long key fits no index",
  "run index (environment_id, hashtextextended(idempotency_options ->> 'key'::text, 0::bigint), id) where (idempotency_options IS NOT NULL)":
    "a run by the key that the user wrote",
  "schedule_due index (schedule_id, run_id) where (run_id IS NOT NULL)": "a schedule's runs; most due times have one",
  "bulk_action index (retry_at) where ((completed_at IS NULL) AND (aborted_at IS NULL))": "few are open at a time",
  "bulk_action_item index (bulk_action_id, run_id) where (state = 'pending'::text)": "what is still to be done",
  "batch unique (environment_id, md5(idempotency_key)) where (idempotency_key IS NOT NULL)":
    "a batch is made once per key; a long key fits no index",
  "execution index (environment_id) where (state = 'PARKED'::execution_state)": "held workers of an environment",
  "ready index (lane_id, order_at, run_id) where (NOT is_root)": "what may start while too many workers are held",
  "journal_entry index (due_at) where ((completed_at IS NULL) AND (due_at IS NOT NULL))": "what is due next",
  "journal_entry index (token_id) where ((completed_at IS NULL) AND (token_id IS NOT NULL))": "who waits for a token",
  "journal_entry index (child_run_id) where ((completed_at IS NULL) AND (child_run_id IS NOT NULL))":
    "who waits for a run",
  "journal_entry index (batch_id) where ((completed_at IS NULL) AND (batch_id IS NOT NULL))": "who waits for a batch",
  "batch_item index (batch_id) where awaits": "what a batch still waits for",
  "batch_item index (run_id) where awaits": "whose batch an ended run is awaited in",
  "waitpoint unique (environment_id, md5(idempotency_key)) where (idempotency_key IS NOT NULL)":
    "a token is made once per key; a long key fits no index",
  "waitpoint index (due_at) where ((status = 'WAITING'::text) AND (due_at IS NOT NULL))": "which token times out next",
  "schedule unique (environment_id, task_id) where (kind = 'DECLARATIVE'::schedule_kind)":
    "a task declares one schedule; others may be made for it",
  "schedule unique (environment_id, deduplication_key) where (deduplication_key IS NOT NULL)":
    "declared ones have no key",
  "schedule index (next_start_at) where (paused_at IS NULL)": "the loop passes over paused ones",
  "schedule_due index (retry_at) where (state = ANY (ARRAY['claimed'::due_state, 'waiting'::due_state]))":
    "few are pending at a time",
  "schedule_due index (schedule_id) where is_open": "few are open at a time",
  "checkpoint index (created_at) where (state <> 'stored'::text)": "what may be swept; most are stored",
  "run index (checkpoint_id) where (checkpoint_id IS NOT NULL)": "whether a run refers to a checkpoint; most to none",
};

async function lines(sql: string): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(sql);
  return rows.map(({ line }) => line).sort();
}

const OWN_TABLES = `from pg_class c where c.relnamespace = 'gantry'::regnamespace and c.relkind in ('r', 'p')
  and not c.relispartition and c.relname <> '_prisma_migrations'`;

async function readDatabase(): Promise<DatabaseShape> {
  const enums = await lines(`select t.typname || ': ' || string_agg(e.enumlabel, ', ' order by e.enumsortorder) as line
    from pg_type t join pg_enum e on e.enumtypid = t.oid where t.typnamespace = 'gantry'::regnamespace group by t.typname`);
  const columns = await pool.query<{
    name: string;
    type: string;
    is_nullable: boolean;
    is_identity: boolean;
    fallback: string | null;
  }>(
    `select t.relname || '.' || a.attname as name, format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as is_nullable,
       a.attidentity <> '' as is_identity, pg_get_expr(d.adbin, d.adrelid) as fallback
     from (select c.oid, c.relname ${OWN_TABLES}) t
     join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
     left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum`,
  );
  const indexes =
    await lines(`select t.relname || ' ' || case when i.indisprimary then 'primary' when i.indisunique then 'unique' else 'index' end
       || case when m.amname = 'btree' then '' else ' ' || m.amname end
       || ' (' || (select string_agg(pg_get_indexdef(i.indexrelid, k.n, true), ', ' order by k.n) from generate_series(1, i.indnkeyatts) k (n)) || ')'
       || coalesce(' where ' || pg_get_expr(i.indpred, i.indrelid), '') as line
     from (select c.oid, c.relname ${OWN_TABLES}) t
     join pg_index i on i.indrelid = t.oid join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam`);
  const describe = ({ name, type, is_nullable, is_identity, fallback }: (typeof columns.rows)[number]) => {
    const form = type.replace(/timestamp(\(6\))? with time zone/, "timestamptz");
    const value = is_identity ? " default identity" : fallback === null ? "" : ` default ${plainDefault(fallback)}`;
    return `${name} ${form} ${is_nullable ? "null" : "not null"}${value}`;
  };
  return { enums, columns: columns.rows.map(describe).sort(), indexes };
}

describe("the migrated database and Prisma's datamodel", async () => {
  const database = await readDatabase();
  const datamodel = readDatamodel(await readFile(SCHEMA_FILE, "utf8"));

  test("have the same enums", () => {
    expect(database.enums).toEqual(datamodel.enums);
  });

  test("have the same columns: types, nullability, defaults", () => {
    expect(database.columns).toEqual(datamodel.columns);
  });

  test("have the same keys and indexes, but for those that only SQL can say", () => {
    const declared = database.indexes.filter((index) => !(index in SQL_ONLY));
    expect(declared).toEqual(datamodel.indexes);
  });

  test("need every exception that is listed", () => {
    expect(Object.keys(SQL_ONLY).filter((index) => !database.indexes.includes(index))).toEqual([]);
  });
});
