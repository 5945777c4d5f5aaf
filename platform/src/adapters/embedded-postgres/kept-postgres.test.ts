import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { keepEmbeddedPostgres } from "./kept-postgres.ts";
import { isAlive, readPostmasterFile } from "./postmaster-file.ts";

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client.query({ text, rowMode: "array" }).then(
    ({ rows }) => client.end().then(() => rows.flat()),
    (error: unknown) => client.end().then(() => Promise.reject(error)),
  );
}

test("a server that is killed runs again under its URL, with its data, until it is stopped", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-kept-"));
  await chmod(folder, 0o755);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const dataDir = join(folder, "pg");
  const told: string[] = [];
  const log = (_fields: object, message: string) => void told.push(message);
  const options = { dataDir, database: "gantry", settings: { fsync: "off" } };
  const { url, stop } = await keepEmbeddedPostgres(options, { warn: log, error: log });
  onTestFinished(stop);
  await query(url, "create table kept (n int)");

  const first = (await readPostmasterFile(dataDir))?.pid as number;
  for (let kills = 1; kills <= 2; kills++) {
    const running = await readPostmasterFile(dataDir);
    if (running === undefined) throw new Error("the server has no file");
    process.kill(running.pid, "SIGKILL");
    await expect
      .poll(() => told.filter((message) => message.includes("runs again")).length, { timeout: 60_000 })
      .toBe(kills);
    expect(await query(url, "select count(*)::int from kept")).toEqual([0]);
  }
  await stop();
  expect(isAlive(first)).toBe(false);
  await expect(query(url, "select 1")).rejects.toThrow();
  expect(await readPostmasterFile(dataDir)).toBeUndefined();
}, 120_000);
