import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { checksum, type Migration, matchesChecksum, readMigrations, statements } from "./migration-files.ts";
import { SCHEMA } from "./pool.ts";

/** The advisory lock that `prisma migrate` takes: the two never run at once. */
const PRISMA_LOCK = 72_707_369;
const LOCK_TIMEOUT_MS = 60_000;

export interface MigrateOptions {
  /** A direct connection: a transaction pooler would lose the lock. */
  connectionString: string;
  /** Holds `<name>/migration.sql` for each migration. */
  directory: string;
}

export interface MigrateResult {
  /** Names applied now, in order. */
  applied: string[];
  /** Names the database has that this release does not know: a newer release was here, which is fine. */
  unknown: string[];
}

export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

interface AppliedRow {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
  rolled_back_at: Date | null;
}

/**
 * Brings the database to this release's schema, as `prisma migrate deploy` would, without its engine: the two are
 * interchangeable, as they share the lock, the table and the checksums.
 *
 * Errors: MigrationError where an applied file has changed, one failed halfway, or one fails now; nothing else is applied then.
 */
export async function migrate(options: MigrateOptions): Promise<MigrateResult> {
  const migrations = await readMigrations(options.directory);
  const client = new Client({ connectionString: options.connectionString, application_name: "gantry-migrate" });
  await client.connect();
  try {
    await lock(client);
    await prepare(client);
    return await apply(client, migrations);
  } finally {
    await client.end();
  }
}

async function lock(client: Client): Promise<void> {
  await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}`);
  await client.query("select pg_advisory_lock($1)", [PRISMA_LOCK]).catch((cause: unknown) => {
    throw new MigrationError("Another process is migrating this database and has not finished within a minute.", {
      cause,
    });
  });
  await client.query("set lock_timeout = 0; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0");
}

async function prepare(client: Client): Promise<void> {
  const { rowCount } = await client.query("select 1 from pg_namespace where nspname = $1", [SCHEMA]);
  if (!rowCount) await client.query(`create schema ${SCHEMA}`);
  await client.query(`set search_path to ${SCHEMA}`);
  await client.query(`create table if not exists ${SCHEMA}._prisma_migrations (
    id varchar(36) primary key not null,
    checksum varchar(64) not null,
    finished_at timestamptz,
    migration_name varchar(255) not null,
    logs text,
    rolled_back_at timestamptz,
    started_at timestamptz not null default now(),
    applied_steps_count integer not null default 0
  )`);
}

async function apply(client: Client, migrations: Migration[]): Promise<MigrateResult> {
  const done = await appliedMigrations(client);
  refuseChanged(migrations, done);
  const applied: string[] = [];
  for (const migration of migrations) {
    if (done.has(migration.name)) continue;
    await (migration.isTransactional ? applyInTransaction(client, migration) : applyStatements(client, migration));
    applied.push(migration.name);
  }
  const known = new Set(migrations.map((migration) => migration.name));
  return { applied, unknown: [...done.keys()].filter((name) => !known.has(name)) };
}

/** Name → recorded checksum. Errors: one that began and never finished. */
async function appliedMigrations(client: Client): Promise<Map<string, string>> {
  const { rows } = await client.query<AppliedRow>(
    `select migration_name, checksum, finished_at, rolled_back_at from ${SCHEMA}._prisma_migrations order by started_at`,
  );
  const standing = rows.filter((row) => row.rolled_back_at === null);
  const failed = standing.find((row) => row.finished_at === null);
  if (failed) {
    throw new MigrationError(
      `Migration ${failed.migration_name} failed halfway. Look at the logs column of ${SCHEMA}._prisma_migrations, repair what it left, ` +
        "and set rolled_back_at (to try again) or finished_at (if it is complete now).",
    );
  }
  return new Map(standing.map((row) => [row.migration_name, row.checksum]));
}

function refuseChanged(migrations: Migration[], done: Map<string, string>): void {
  for (const { name, sql } of migrations) {
    const recorded = done.get(name);
    if (recorded !== undefined && !matchesChecksum(sql, recorded)) {
      throw new MigrationError(
        `Migration ${name} was changed after it was applied to this database: migrations are never edited, add a new one.`,
      );
    }
  }
}

/** The record is part of the transaction: either both are there or neither. */
async function applyInTransaction(client: Client, migration: Migration): Promise<void> {
  try {
    await client.query("begin");
    await client.query(migration.sql);
    await client.query(`set local search_path to ${SCHEMA}`);
    await record(client, migration, true);
    await client.query("commit");
  } catch (cause) {
    await client.query("rollback");
    throw new MigrationError(
      `Migration ${migration.name} failed and was rolled back: ${describe(cause, migration.sql)}`,
      { cause },
    );
  }
}

/** The record is written first, so that a crash between two statements is seen at the next start. */
async function applyStatements(client: Client, migration: Migration): Promise<void> {
  const id = await record(client, migration, false);
  for (const statement of statements(migration.sql)) {
    await client.query(statement).catch(async (cause: unknown) => {
      const reason = describe(cause, statement);
      await client.query(`update ${SCHEMA}._prisma_migrations set logs = $2 where id = $1`, [id, reason]);
      throw new MigrationError(`Migration ${migration.name} failed halfway: ${reason}`, { cause });
    });
  }
  await client.query(
    `update ${SCHEMA}._prisma_migrations set finished_at = now(), applied_steps_count = 1 where id = $1`,
    [id],
  );
}

async function record(client: Client, migration: Migration, isFinished: boolean): Promise<string> {
  const id = randomUUID();
  await client.query(
    `insert into ${SCHEMA}._prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
     values ($1, $2, $3, case when $4::boolean then clock_timestamp() end, $4::boolean::int)`,
    [id, checksum(migration.sql), migration.name, isFinished],
  );
  return id;
}

/** Postgres' message with the line it is about. */
function describe(error: unknown, sql: string): string {
  const { message, position } = error as { message: string; position?: string };
  if (!position) return message;
  const line = sql.slice(0, Number(position)).split("\n").length;
  return `${message} (line ${line})`;
}
