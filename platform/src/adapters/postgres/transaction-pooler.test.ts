import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect, onTestFinished, test, vi } from "vitest";
import { freePort } from "../../../test/support/free-port.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { isTransactionPooler } from "./transaction-pooler.ts";

const { url } = await testDatabase();
const hasPgBouncer = spawnSync("pgbouncer", ["--version"]).status === 0;

test("a server itself is none", async () => {
  expect(await isTransactionPooler(url)).toBe(false);
});

test.each([
  ["transaction", true],
  ["session", false],
])("PgBouncer in %s mode: %s", async (mode, want) => {
  if (!hasPgBouncer) return console.warn("skipped: pgbouncer is not installed (Debian: apt-get install pgbouncer)");
  expect(await isTransactionPooler(await pgBouncer(mode))).toBe(want);
});

/** A real PgBouncer before the test's database. */
async function pgBouncer(mode: string): Promise<string> {
  const { hostname, port, pathname, username, password } = new URL(url);
  const folder = await mkdtemp(join(tmpdir(), "gantry-pgbouncer-"));
  await chmod(folder, 0o755);
  const own = await freePort();
  const settings = `[databases]
* = host=${hostname} port=${port} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
auth_type = any
pool_mode = ${mode}
unix_socket_dir =
ignore_startup_parameters = extra_float_digits,options
`;
  await writeFile(join(folder, "pgbouncer.ini"), settings, { mode: 0o644 });
  const asOther = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const server = spawn("pgbouncer", [...asOther, join(folder, "pgbouncer.ini")], { stdio: "ignore" });
  onTestFinished(async () => {
    server.kill("SIGKILL");
    if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
    await rm(folder, { recursive: true, force: true });
  });
  const pooled = `postgresql://${username}:${password}@127.0.0.1:${own}${pathname}`;
  await vi.waitFor(
    async () => {
      const client = new pg.Client({ connectionString: pooled });
      await client.connect();
      await client.end();
    },
    { timeout: 30_000, interval: 50 },
  );
  return pooled;
}
