import { manifestSchema } from "@gantry/sdk/contract";
import { afterAll, expect, test } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { createPool } from "./pool.ts";
import { createPrisma } from "./prisma.ts";
import { createDeploymentService } from "./prisma-deployments.ts";
import { createPostgresScheduleStore } from "./schedules.ts";

const { pool, url } = await testDatabase();
const own = createPool({ connectionString: url, max: 3 });
afterAll(() => own.end());
const deployments = createDeploymentService({ prisma: createPrisma(own), onPromoted: async () => undefined });
const store = createPostgresScheduleStore(pool);

async function world(type: EnvironmentRef["type"] = "PRODUCTION") {
  const { at } = await storeActs(pool);
  const environment = { id: at.environmentId, type } as EnvironmentRef;
  return {
    environment,
    async promote(schedules: Record<string, object | undefined>, promote = true) {
      const tasks = Object.entries(schedules).map(([id, schedule]) => ({
        id,
        filePath: "t.ts",
        kind: "SCHEDULED",
        schedule,
      }));
      const fixed = { manifestVersion: 1, sdkVersion: "1", runtime: "node", entry: "e.mjs", queues: [] };
      const source = { kind: "local" as const, bundleDir: "/b", projectDir: "/p", envFiles: [] };
      return deployments.register(environment, {
        manifest: manifestSchema.parse({ ...fixed, tasks }),
        source,
        promote,
      });
    },
    rollBack: (version: string) => deployments.promote(environment, version),
    async schedules() {
      const { schedules } = await store.list(environment.id, { page: 1, perPage: 100 });
      return Object.fromEntries(schedules.map((schedule) => [schedule.taskId, schedule]));
    },
  };
}

const daily = { cron: "0 5 * * *", timezone: "Europe/Berlin" };

test("a version's schedules begin with its promotion, not before", async () => {
  const { promote, rollBack, schedules } = await world();
  const { version } = await promote({ report: daily, plain: undefined }, false);
  expect(await schedules()).toEqual({});
  await rollBack(version);
  const { report, ...others } = await schedules();
  expect(others).toEqual({});
  expect(report).toMatchObject({ kind: "DECLARATIVE", ...daily, overlap: "allow", catchUp: "last" });
  expect(report?.nextDueAt).toBeGreaterThan(Date.now());
});

test("what stays the same goes on waiting, what changes waits anew, what is gone stops; a rollback restores it", async () => {
  const { environment, promote, rollBack, schedules } = await world();
  const first = await promote({ same: daily, changed: daily, gone: daily });
  const before = await schedules();
  // As if its time had come while the new version is promoted: it is not to be lost.
  const due = { dueAt: Date.now() - 5000, startAt: Date.now() - 5000 };
  await store.setPaused(environment.id, before.same?.id ?? "", false, due);
  await store.setPaused(environment.id, before.gone?.id ?? "", true);
  const hourly = { cron: "@hourly", timezone: "UTC", overlap: "skip", jitter: "10%" };
  await promote({ same: { ...daily, overlap: "queue" }, changed: hourly, added: daily });
  const after = await schedules();
  expect(Object.keys(after).sort()).toEqual(["added", "changed", "same"]);
  expect(after.same).toMatchObject({ id: before.same?.id, overlap: "queue", nextDueAt: due.dueAt });
  expect(after.changed).toMatchObject({ id: before.changed?.id, ...hourly });
  expect(after.changed?.nextDueAt).toBeLessThanOrEqual(Date.now() + 3_600_000);

  await rollBack(first.version);
  const restored = await schedules();
  expect(Object.keys(restored).sort()).toEqual(["changed", "gone", "same"]);
  expect(restored.gone).toMatchObject({
    id: before.gone?.id,
    pausedAt: expect.any(Date),
    nextDueAt: before.gone?.nextDueAt,
  });
  expect(restored.changed).toMatchObject({ id: before.changed?.id, ...daily, jitter: undefined });
});

test("a schedule that is gone starts nothing, not even what was taken already", async () => {
  const { environment, promote, schedules } = await world();
  await promote({ report: daily });
  const { report } = await schedules();
  await pool.query(
    "insert into schedule_due (schedule_id, due_at, environment_id, state) values ($1, now(), $2, 'waiting')",
    [report?.id, environment.id],
  );
  await promote({ other: daily });
  const { rows } = await pool.query("select state, reason from schedule_due where schedule_id = $1", [report?.id]);
  expect(rows).toEqual([{ state: "skipped", reason: "REMOVED" }]);
  expect(await store.retrieve(environment.id, report?.id ?? "")).toBeUndefined();
});

test("environments of other kinds are left out", async () => {
  const { promote, schedules } = await world();
  await promote({
    here: { ...daily, environments: ["PRODUCTION", "STAGING"] },
    elsewhere: { ...daily, environments: ["DEVELOPMENT"] },
  });
  expect(Object.keys(await schedules())).toEqual(["here"]);
});

test("in development nothing is caught up with, unless it is asked for", async () => {
  const { promote, schedules } = await world("DEVELOPMENT");
  await promote({ plain: daily, asked: { ...daily, catchUp: { policy: "all", windowMs: 60_000 } } });
  expect(await schedules()).toMatchObject({
    plain: { catchUp: "none" },
    asked: { catchUp: "all", catchUpWindowMs: 60_000 },
  });
});
