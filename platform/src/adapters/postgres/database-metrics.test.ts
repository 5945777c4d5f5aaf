import { Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import { registerDatabaseMetrics } from "./database-metrics.ts";
import { createPool } from "./pool.ts";

const { pool, url } = await testDatabase();

function measured(from = pool) {
  const registry = new Registry();
  const clock = { now: 0 };
  registerDatabaseMetrics(registry, from, () => clock.now);
  const read = async (name: string) => (await registry.getSingleMetric(name)?.get())?.values[0]?.value;
  return { clock, read };
}

test("the database's size, and the age of the run that has waited longest in any lane", async () => {
  const { read } = measured();
  expect(await read("gantry_database_bytes")).toBeGreaterThan(1_000_000);
  expect(await read("gantry_oldest_ready_run_seconds")).toBe(0);
  const waiting = [
    [1, 5],
    [1, 50],
    [7, 300],
    [9, 20],
  ];
  for (const [lane, seconds] of waiting)
    await pool.query(
      "insert into ready (lane_id, order_at, run_id) values ($1, now() - make_interval(secs => $2), $3)",
      [lane, seconds, newUuid()],
    );
  const seconds = await measured().read("gantry_oldest_ready_run_seconds");
  expect(seconds).toBeGreaterThanOrEqual(300);
  expect(seconds).toBeLessThan(360);
});

test("one look serves all that ask at the same time, and the next a while later looks again", async () => {
  const { read, clock } = measured();
  const before = await read("gantry_oldest_ready_run_seconds");
  await pool.query("delete from ready");
  expect(await read("gantry_oldest_ready_run_seconds")).toBe(before);
  clock.now = 10_000;
  expect(await read("gantry_oldest_ready_run_seconds")).toBe(0);
});

test("a snapshot that somebody keeps open is seen", async () => {
  const client = await pool.connect();
  onTestFinished(() => void client.query("rollback").then(() => client.release()));
  await client.query("begin isolation level repeatable read; select txid_current()");
  expect(await measured().read("gantry_database_oldest_transaction_seconds")).toBeGreaterThan(0);
});

test("without a database there are no figures, and no error", async () => {
  const gone = createPool({ connectionString: url, max: 1 });
  await gone.end();
  expect(await measured(gone).read("gantry_database_bytes")).toBeUndefined();
});
