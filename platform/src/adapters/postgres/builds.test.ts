import { expect, test } from "vitest";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import { createBuildStore } from "./builds.ts";

const { pool } = await testDatabase();
const builds = createBuildStore(pool);
const environment = await makeEnvironment("prod");

async function makeEnvironment(slug: string): Promise<number> {
  await pool.query("insert into project (id, ref, name) values ($1, $2, 'P')", [newUuid(), `proj_${slug}`]);
  const { rows } = await pool.query<{ id: number }>(
    `insert into environment (project_id, slug, type, concurrency_limit)
     select id, $2, 'PRODUCTION', 10 from project where ref = $1 returning id`,
    [`proj_${slug}`, slug],
  );
  return rows[0]?.id ?? 0;
}

async function begun(at = environment): Promise<string> {
  const id = newUuid();
  await builds.begin(at, { id, contentHash: "abc", taskCount: 2 });
  return id;
}
const line = (message: string, step?: "build") => ({ message, step, at: new Date(0) });

test("lines are read in order from any index", async () => {
  const id = await begun();
  await builds.append(id, 0, [line("Building", "build"), line("nul \0 and \ud83d")]);
  await builds.append(id, 2, []);
  await builds.append(id, 2, [line("third")]);
  expect(await builds.lines(id, 1, 10)).toEqual([
    { index: 1, step: undefined, message: "nul ␀ and �", at: new Date(0) },
    { index: 2, step: undefined, message: "third", at: new Date(0) },
  ]);
});

test("a build ends once, with what it became", async () => {
  const id = await begun();
  expect(await builds.retrieve(environment, id)).toMatchObject({
    status: "BUILDING",
    taskCount: 2,
    endedAt: undefined,
  });
  await builds.end(id, { status: "DEPLOYED", version: "20261122.1", isNew: true });
  await builds.end(id, { status: "FAILED", error: { code: "INTERNAL", message: "late" } });
  expect(await builds.retrieve(environment, id)).toMatchObject({
    status: "DEPLOYED",
    version: "20261122.1",
    isNew: true,
    error: undefined,
  });
  expect(await builds.list(environment, { version: "20261122.1", limit: 10 })).toHaveLength(1);
});

test("one that is silent for a minute was cut off", async () => {
  const id = await begun();
  await pool.query("update build set seen_at = now() - interval '2 minutes' where id = $1", [id]);
  expect(await builds.retrieve(environment, id)).toMatchObject({ status: "FAILED", error: { code: "BUILD_CUT_OFF" } });
});

test("another environment's build is not there; of one, the latest 50 are kept", async () => {
  const other = await makeEnvironment("other");
  const first = await begun(other);
  expect(await builds.retrieve(environment, first)).toBeUndefined();
  await builds.end(first, { status: "CANCELED", error: { code: "INTERNAL", message: "gone" } });
  for (let n = 0; n < 50; n++) {
    await builds.end(await begun(other), { status: "FAILED", error: { code: "INTERNAL", message: "x" } });
  }
  const kept = await builds.list(other, { limit: 100 });
  expect(kept).toHaveLength(50);
  expect(kept.some(({ id }) => id === first)).toBe(false);
});
