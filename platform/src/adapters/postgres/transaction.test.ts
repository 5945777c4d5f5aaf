import { expect, test } from "vitest";
import { testDatabase } from "../../../test/support/test-database.ts";
import { inTransaction } from "./transaction.ts";

const { pool } = await testDatabase();

test("a connection that breaks between two statements fails the transaction, not the process, and leaves the pool", async () => {
  let brokenPid = 0;
  const work = inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    brokenPid = rows[0]?.pid ?? 0;
    const broken = new Promise((resolve) => client.once("error", resolve));
    await pool.query("select pg_terminate_backend($1)", [brokenPid]);
    await broken;
    await client.query("select 1");
  });
  await expect(work).rejects.toThrow();
  const { rows } = await pool.query<{ pid: number }>("select pg_backend_pid() as pid");
  expect(rows[0]?.pid).not.toBe(brokenPid);
});

test("what the work throws is rolled back and thrown on", async () => {
  const work = inTransaction(pool, async (client) => {
    await client.query("insert into project (id, ref, name) values ('p', 'proj_p', 'P')");
    throw new Error("not today");
  });
  await expect(work).rejects.toThrow("not today");
  expect((await pool.query("select 1 from project")).rowCount).toBe(0);
});
