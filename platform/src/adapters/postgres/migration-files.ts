import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export interface Migration {
  /** The folder's name; migrations are applied in its order. */
  name: string;
  sql: string;
  /** False where the file says `-- gantry: no-transaction`: each of its statements stands alone (CREATE INDEX CONCURRENTLY). */
  isTransactional: boolean;
}

const NO_TRANSACTION = /^--\s*gantry:\s*no-transaction\s*$/m;

/** Beside the bundle in a package, at the top of the checkout in development. */
export function migrationsDirectory(): string {
  const packaged = join(import.meta.dirname, "..", "prisma", "migrations");
  return existsSync(packaged) ? packaged : join(import.meta.dirname, "..", "..", "..", "..", "prisma", "migrations");
}

export async function readMigrations(directory: string): Promise<Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(directory, name, "migration.sql"), "utf8");
      return { name, sql, isTransactional: !NO_TRANSACTION.test(sql) };
    }),
  );
}

/** As Prisma writes it: SHA-256 of the file, in hexadecimal. Line ends are those of the repository. */
export function checksum(sql: string): string {
  return sha256(sql.replaceAll("\r\n", "\n"));
}

/** Prisma on Windows may have recorded the file with that system's line ends. */
export function matchesChecksum(sql: string, recorded: string): boolean {
  const unix = sql.replaceAll("\r\n", "\n");
  return recorded === sha256(unix) || recorded === sha256(unix.replaceAll("\n", "\r\n"));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The statements of a file without a transaction: each ends with a semicolon at a line's end. */
export function statements(sql: string): string[] {
  return sql
    .split(/;[ \t]*(?:\r?\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replaceAll(/^--.*$/gm, "").trim() !== "");
}
