import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { testDatabase } from "../../../test/support/test-database.ts";
import { checksum, matchesChecksum, migrationsDirectory, statements } from "./migration-files.ts";
import { migrate } from "./migrator.ts";

const { url, pool } = await testDatabase({ isEmpty: true });
const directory = await mkdtemp(join(tmpdir(), "gantry-migrations-"));
afterAll(() => rm(directory, { recursive: true, force: true }));

beforeEach(async () => {
  await pool.query("drop schema if exists gantry cascade");
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
});

async function write(name: string, sql: string): Promise<void> {
  await mkdir(join(directory, name), { recursive: true });
  await writeFile(join(directory, name, "migration.sql"), sql);
}

const run = () => migrate({ connectionString: url, directory });

describe("the migrator", () => {
  test("applies what is missing, in order, and then nothing", async () => {
    await write("0002_second", "insert into thing values (2);");
    await write("0001_first", "create table thing (id int);");
    expect((await run()).applied).toEqual(["0001_first", "0002_second"]);
    expect((await run()).applied).toEqual([]);
    expect((await pool.query("select id from gantry.thing")).rows).toEqual([{ id: 2 }]);
  });

  test("records what Prisma would: the name, the file's SHA-256, one step", async () => {
    await write("0001_first", "create table thing (id int);");
    await run();
    const { rows } = await pool.query("select * from gantry._prisma_migrations");
    expect(rows).toEqual([
      expect.objectContaining({
        migration_name: "0001_first",
        checksum: "97ab7c6b8a548a672e86a25f6304ab90f01850dbd256fa16b4059a364326bdd4",
        applied_steps_count: 1,
        finished_at: expect.any(Date),
        rolled_back_at: null,
      }),
    ]);
  });

  test("rolls back what fails, names the line, and goes on after the repair", async () => {
    await write("0001_first", "create table thing (id int);\nselect nonsense;");
    await expect(run()).rejects.toThrow(/0001_first failed and was rolled back.*nonsense.*line 2/);
    expect((await pool.query("select to_regclass('gantry.thing') as found")).rows).toEqual([{ found: null }]);
    await write("0001_first", "create table thing (id int);");
    expect((await run()).applied).toEqual(["0001_first"]);
  });

  test("builds indexes concurrently where the file asks for no transaction", async () => {
    await write("0001_first", "create table thing (id int);");
    await write(
      "0002_index",
      "-- gantry: no-transaction\ncreate index concurrently a on thing (id);\ncreate index concurrently b on thing (id);\n",
    );
    expect((await run()).applied).toEqual(["0001_first", "0002_index"]);
  });

  test("refuses to go on after a migration without a transaction failed halfway", async () => {
    await write(
      "0001_half",
      "-- gantry: no-transaction\ncreate table thing (id int);\ncreate index concurrently a on missing (id);",
    );
    await expect(run()).rejects.toThrow(/failed halfway.*missing/);
    await expect(run()).rejects.toThrow(/0001_half failed halfway.*rolled_back_at/);
  });

  test("refuses a migration that was edited after it was applied", async () => {
    await write("0001_first", "create table thing (id int);");
    await run();
    await write("0001_first", "create table thing (id bigint);");
    await expect(run()).rejects.toThrow(/0001_first was changed/);
  });

  test("tells of migrations that a newer release applied, and leaves them", async () => {
    await write("0001_first", "create table thing (id int);");
    await write("0002_newer", "alter table thing add name text;");
    await run();
    await rm(join(directory, "0002_newer"), { recursive: true });
    expect(await run()).toEqual({ applied: [], unknown: ["0002_newer"] });
  });

  test("is safe to run from several processes at once", async () => {
    await write("0001_first", "create table thing (id int);");
    const results = await Promise.all([run(), run(), run(), run()]);
    expect(results.flatMap((result) => result.applied)).toEqual(["0001_first"]);
  });

  test("applies Gantry's own migrations to an empty database", async () => {
    const { applied } = await migrate({ connectionString: url, directory: migrationsDirectory() });
    expect(applied[0]).toBe("0001_init");
  });
});

describe("migration files", () => {
  test("the checksum is the file's SHA-256, whatever its line ends", () => {
    expect(checksum("select 1;\n")).toBe("4a45092ccf992ea92250053a80b931b787924ba61648f420555511b84f10ab6c");
    expect(checksum("select 1;\r\n")).toBe(checksum("select 1;\n"));
    expect(matchesChecksum("select 1;\r\n", checksum("select 1;\n"))).toBe(true);
    expect(matchesChecksum("select 2;\n", checksum("select 1;\n"))).toBe(false);
  });

  test("statements end with a semicolon at a line's end", () => {
    expect(statements("-- note\nselect ';', 1;\n\nselect 2;\n-- end\n")).toEqual([
      "-- note\nselect ';', 1",
      "select 2",
    ]);
  });
});
