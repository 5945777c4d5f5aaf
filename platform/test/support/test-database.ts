import { randomBytes } from "node:crypto";
import { Client, Pool } from "pg";
import { afterAll, inject } from "vitest";

export interface TestDatabase {
  url: string;
  /** Its search_path is the platform's. */
  pool: Pool;
}

/**
 * A migrated database for one test file: a copy of the template, dropped when the file has ended. `isEmpty` gives one
 * without any table instead. Call it at the top of the file or in beforeAll.
 */
export async function testDatabase(options: { isEmpty?: boolean } = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  await asOwner((owner) =>
    owner.query(`create database ${name} template ${options.isEmpty ? "template0" : inject("postgresTemplate")}`),
  );
  const url = inject("postgresUrl").replace(/\/[^/]*$/, `/${name}`);
  const pool = new Pool({ connectionString: url, max: 20, options: "-c search_path=gantry" });
  // Dropping the database ends connections that a test has left open.
  pool.on("error", () => undefined);
  afterAll(async () => {
    await pool.end();
    await asOwner((owner) => owner.query(`drop database ${name} with (force)`));
  });
  return { url, pool };
}

async function asOwner(work: (owner: Client) => Promise<unknown>): Promise<void> {
  const owner = new Client({ connectionString: inject("postgresUrl") });
  await owner.connect();
  try {
    await work(owner);
  } finally {
    await owner.end();
  }
}
