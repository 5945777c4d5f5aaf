import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../src/adapters/embedded-postgres/embedded-postgres.ts";
import { isAlive, readPostmasterFile } from "../../src/adapters/embedded-postgres/postmaster-file.ts";
import { migrationsDirectory } from "../../src/adapters/postgres/migration-files.ts";
import { migrate } from "../../src/adapters/postgres/migrator.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A database of the test run's own server, to make others from. */
    postgresUrl: string;
    /** The migrated database that each test file's own is a copy of. */
    postgresTemplate: string;
  }
}

const PREFIX = "gantry-test-postgres-";
const TEMPLATE = "gantry_template";

/**
 * Once for a whole test run: builds dist (for what tests spawn), and starts a Postgres of its own in a temporary folder, on
 * a free port, so that runs beside each other do not meet. Durability is off: no test pulls the plug of the server.
 */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  await sweep();
  const folder = await mkdtemp(join(tmpdir(), PREFIX));
  await chmod(folder, 0o755);
  await writeFile(join(folder, "owner"), String(process.pid));
  const [server] = await Promise.all([start(folder), build()]);
  await migrate({ connectionString: server.url, directory: migrationsDirectory() });
  project.provide("postgresUrl", server.url.replace(/\/[^/]*$/, "/postgres"));
  project.provide("postgresTemplate", TEMPLATE);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

function start(folder: string): Promise<EmbeddedPostgres> {
  const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "300" };
  return startEmbeddedPostgres({ dataDir: join(folder, "data"), database: TEMPLATE, settings });
}

/** What an earlier test run left when it was killed. */
async function sweep(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX));
  for (const folder of names.map((name) => join(tmpdir(), name))) {
    const owner = Number(await readFile(join(folder, "owner"), "utf8").catch(() => "0"));
    if (!owner || isAlive(owner)) continue;
    const server = await readPostmasterFile(join(folder, "data"));
    if (server && isAlive(server.pid)) quit(server.pid);
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Another test run that starts at this moment may have ended it. */
function quit(pid: number): void {
  try {
    process.kill(pid, "SIGQUIT");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** A broken build fails the tests that spawn programs, not those that need none. */
async function build(): Promise<void> {
  const script = join(import.meta.dirname, "..", "..", "..", ".make", "build.mjs");
  try {
    await promisify(execFile)(process.execPath, [script, "--no-types", "--if-changed"]);
  } catch (error) {
    console.error(
      "dist was not built; tests that spawn a program will fail:\n",
      (error as { stderr?: string }).stderr ?? error,
    );
  }
}
