import pg from "pg";
import { expect, inject, test } from "vitest";
import { createPool } from "./pool.ts";

test("the server notices a client that is gone in the middle of a statement, and frees what it had locked", async () => {
  const connectionString = inject("postgresUrl");
  const dying = createPool({ connectionString, max: 1, isShared: true });
  const client = await dying.connect();
  client.on("error", () => undefined);
  await client.query("select pg_advisory_lock(4711)");
  client.query("select pg_sleep(25)").catch(() => undefined);
  const other = new pg.Client({ connectionString });
  await other.connect();
  await expect
    .poll(
      async () =>
        (
          await other.query(
            "select 1 from pg_stat_activity where query like '%pg_sleep(25)' and state = 'active' and pid <> pg_backend_pid()",
          )
        ).rowCount,
    )
    .toBe(1);
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  const isFree = async () => (await other.query("select pg_try_advisory_lock(4711) as free")).rows[0].free as boolean;
  await expect.poll(isFree, { timeout: 10_000 }).toBe(true);
  await other.end();
  client.release(true);
  await dying.end();
});
