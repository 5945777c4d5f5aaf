import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { isAlive } from "./postmaster-file.ts";

// Each test makes a cluster, which is slow where the machine is busy.
vi.setConfig({ testTimeout: 90_000 });

let folder: string;
const started: EmbeddedPostgres[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gantry-embedded-"));
  // The folder is made for its owner alone; the server's user must be able to pass where we are root.
  await chmod(folder, 0o755);
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function start(overrides: Partial<Parameters<typeof startEmbeddedPostgres>[0]> = {}): Promise<EmbeddedPostgres> {
  const settings = { fsync: "off" };
  const server = await startEmbeddedPostgres({
    dataDir: join(folder, "pg"),
    database: "gantry",
    settings,
    ...overrides,
  });
  started.push(server);
  return server;
}

/** The owner that stops holds its lock for a moment longer. */
async function startWhenFree(): Promise<EmbeddedPostgres> {
  for (;;) {
    const server = await start().catch((error: Error) => error);
    if (!(server instanceof Error)) return server;
    if (!/already uses|shutting down|terminat|ECONN/.test(server.message)) throw server;
  }
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text, rowMode: "array" })).rows.flat();
  } finally {
    await client.end();
  }
}

/** Runs a second owner in a process of its own, which prints the url and then is killed. */
async function startAndKillOwner(): Promise<string> {
  const script = join(folder, "owner.mjs");
  const module = new URL("./embedded-postgres.ts", import.meta.url).href;
  const options = JSON.stringify({ dataDir: join(folder, "pg"), database: "gantry" });
  await writeFile(
    script,
    `import { startEmbeddedPostgres } from ${JSON.stringify(module)};
     const server = await startEmbeddedPostgres(${options});
     process.stdout.write(server.url);
     setInterval(() => {}, 1000);`,
  );
  const owner = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [url] = (await once(owner.stdout, "data")) as [Buffer];
  owner.kill("SIGKILL");
  await once(owner, "exit");
  return url.toString();
}

describe("the embedded Postgres", () => {
  test("listens on the loopback interface only, asks for a password, and keeps its data between runs", async () => {
    const first = await start();
    await query(first.url, "create table kept as select 42 as answer");
    expect(await query(first.url, "show listen_addresses")).toEqual(["127.0.0.1"]);
    await expect(query(first.url.replace(/:[^:@]+@/, ":wrong@"), "select 1")).rejects.toThrow(/password/);
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);

    const second = await start();
    expect(second.wasAdopted).toBe(false);
    expect(await query(second.url, "select answer from kept")).toEqual([42]);
  });

  test("takes over the server of an owner that was killed", async () => {
    const url = await startAndKillOwner();
    const server = await start();
    expect(server).toMatchObject({ wasAdopted: true, url });
  });

  test("does not take over the server of an owner that lives", async () => {
    await start();
    await expect(start()).rejects.toThrow(/already uses the database/);
  });

  test("starts again beside its own end", async () => {
    const first = await start();
    const [, second] = await Promise.all([first.stop(), startWhenFree()]);
    expect(await query(second.url, "select 1")).toEqual([1]);
  });

  test("starts although a dead server's file names a process that is now another's", async () => {
    const first = await start();
    await first.stop();
    await writeFile(
      join(first.dataDir, "postmaster.pid"),
      `${process.pid}\n${first.dataDir}\n1\n1\n\n127.0.0.1\n\nready\n`,
    );
    expect((await start()).wasAdopted).toBe(false);
  });

  test("says why it did not start, with the server's own words", async () => {
    await expect(start({ settings: { shared_buffers: "nonsense" } })).rejects.toThrow(
      /did not start[\s\S]*shared_buffers/,
    );
  });

  test("tells its owner when it ends unasked", async () => {
    const ended = Promise.withResolvers<string>();
    const server = await start({ onExit: ended.resolve });
    process.kill(server.pid, "SIGINT");
    expect(await ended.promise).toContain(String(server.pid));
  });

  test("refuses a cluster that somebody else made", async () => {
    const server = await start();
    await server.stop();
    await rm(join(server.dataDir, "gantry-password"));
    await expect(start()).rejects.toThrow(/did not make/);
  });
});
