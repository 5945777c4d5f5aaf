import { manifestSchema } from "@gantry/sdk/contract";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { decodeId } from "../../ids.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { createDeploymentCatalog, isIdleDeployment } from "./deployment-catalog.ts";
import { createPool } from "./pool.ts";
import { createPrisma } from "./prisma.ts";
import { createDeploymentService } from "./prisma-deployments.ts";

const { pool, url } = await testDatabase();
const own = createPool({ connectionString: url, max: 3 });
afterAll(() => own.end());
const prisma = createPrisma(own);
const promoted: string[] = [];
const deployments = createDeploymentService({ prisma, onPromoted: async (_environment, id) => void promoted.push(id) });

const source = (dir: string) => ({ kind: "local" as const, bundleDir: dir, projectDir: "/p", envFiles: [] });
const manifest = (tasks: object[], queues: object[] = []) =>
  manifestSchema.parse({
    manifestVersion: 1,
    sdkVersion: "1",
    runtime: "node",
    entry: "e.mjs",
    queues,
    tasks: tasks.map((task) => ({ filePath: "t.ts", ...task })),
  });

let environment: EnvironmentRef;
let acts: Awaited<ReturnType<typeof storeActs>>;
beforeEach(async () => {
  acts = await storeActs(pool);
  environment = { id: acts.at.environmentId } as EnvironmentRef;
  await pool.query("update environment set current_deployment_id = null where id = $1", [environment.id]);
  await pool.query("delete from deployment where environment_id = $1", [environment.id]);
  promoted.length = 0;
});

const register = (tasks: object[], queues: object[] = [], over: object = {}) =>
  deployments.register(environment, {
    manifest: manifest(tasks, queues),
    source: source("/b"),
    promote: true,
    ...over,
  });
const queue = async (name: string) =>
  (await pool.query("select * from queue where environment_id = $1 and name = $2", [environment.id, name])).rows[0];

describe("a version", () => {
  test("is numbered within its day, also where many are registered at once", async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => register([{ id: "a" }])));
    expect(made.map((one) => Number(one.version.split(".")[1])).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("that is the current one's code again is the same version, found where it lies now", async () => {
    const first = await register([{ id: "a" }], [], { contentHash: "h" });
    const again = await register([{ id: "a" }], [], { contentHash: "h", source: source("/moved") });
    expect(again).toMatchObject({ id: first.id, version: first.version, source: { bundleDir: "/moved" } });
    expect(promoted).toHaveLength(2);
    expect((await register([{ id: "a" }], [], { contentHash: "other" })).id).not.toBe(first.id);
  });

  test("that is not promoted changes nothing but can be named", async () => {
    const current = await register([{ id: "a" }]);
    const next = await register([{ id: "a", queue: "q" }], [{ name: "q", concurrencyLimit: 3 }], { promote: false });
    expect(await deployments.current(environment)).toMatchObject({ id: current.id });
    expect(await queue("q")).toMatchObject({ declared_limit: null });
    await deployments.promote(environment, next.version);
    expect(await deployments.current(environment)).toMatchObject({ id: next.id });
    expect(await queue("q")).toMatchObject({ declared_limit: 3 });
  });

  test("declares its queues' limits with its promotion, and takes back those it no longer declares", async () => {
    const rateLimit = { limit: 5, periodMs: 60_000, key: "queue" };
    const first = await register(
      [{ id: "a", queue: "q" }, { id: "b" }],
      [
        { name: "q", concurrencyLimit: 2, combinedConcurrencyLimit: 9, rateLimit },
        { name: "task/b", concurrencyLimit: 1 },
      ],
    );
    expect(await queue("q")).toMatchObject({
      kind: "custom",
      declared_limit: 2,
      combined_limit: 9,
      rate_limit: 5,
      rate_period_ms: 60_000,
      rate_key: "queue",
    });
    expect(await queue("task/b")).toMatchObject({ kind: "task", declared_limit: 1 });
    await register([{ id: "a", queue: "q" }, { id: "b" }], [{ name: "q" }]);
    expect(await queue("q")).toMatchObject({
      declared_limit: null,
      combined_limit: null,
      rate_limit: null,
      rate_period_ms: null,
      rate_key: null,
    });
    expect(await queue("task/b")).toMatchObject({ declared_limit: null });
    await deployments.promote(environment, first.version);
    expect(await queue("q")).toMatchObject({ declared_limit: 2, rate_limit: 5 });
  });

  test("leaves an operator's override alone", async () => {
    await register([{ id: "a", queue: "q" }], [{ name: "q", concurrencyLimit: 2 }]);
    await pool.query("update queue set override_limit = 7 where environment_id = $1 and name = 'q'", [environment.id]);
    await register([{ id: "a", queue: "q" }], [{ name: "q", concurrencyLimit: 4 }]);
    expect(await queue("q")).toMatchObject({ declared_limit: 4, override_limit: 7 });
  });

  test("may have a thousand tasks", async () => {
    const tasks = Array.from({ length: 1000 }, (_, n) => ({ id: `task-${n}` }));
    expect((await register(tasks)).manifest.tasks).toHaveLength(1000);
    expect((await register(tasks, [{ name: "task/task-7", concurrencyLimit: 1 }])).version).toMatch(/\.2$/);
  });

  test("that nobody knows cannot be promoted", async () => {
    await expect(deployments.promote(environment, "19700101.1")).rejects.toMatchObject({
      code: "DEPLOYMENT_NOT_FOUND",
    });
  });
});

describe("the catalogue", () => {
  test("sees a promotion here at once, and finds versions by id and name", async () => {
    const catalog = createDeploymentCatalog(pool);
    expect(await catalog.current(environment.id)).toBeUndefined();
    const made = await register([{ id: "a" }]);
    catalog.invalidate(environment.id);
    const current = await catalog.current(environment.id);
    expect(current).toMatchObject({ version: made.version, environmentId: environment.id });
    expect([...(current?.tasks.keys() ?? [])]).toEqual(["a"]);
    expect(await catalog.byVersion(environment.id, made.version)).toBe(current);
    expect(await catalog.byVersion(environment.id + 1000, made.version)).toBeUndefined();
  });

  test("makes a task's queue once, however many ask", async () => {
    const catalog = createDeploymentCatalog(pool);
    const ids = await Promise.all(Array.from({ length: 10 }, () => catalog.ensureTaskQueue(environment.id, "new")));
    expect(new Set(ids).size).toBe(1);
  });
});

describe("a version's workers", () => {
  test("are needed while it is current, has executions, queued runs of its own or hooks to run", async () => {
    const old = await register([{ id: "task" }]);
    const id = decodeId("deployment", old.id) as string;
    expect(await isIdleDeployment(pool, id)).toBe(false);
    const [run, hooked] = [await acts.executing(), await acts.executing()];
    await register([{ id: "task", hasOnFailure: true }]);
    expect(await isIdleDeployment(pool, id)).toBe(false);
    await acts.requeue(run, { delayMs: 60_000 });
    await acts.finish(hooked, "COMPLETED", hooked);
    expect(await isIdleDeployment(pool, id)).toBe(false);
    await acts.finish({ runId: run.runId }, "CANCELED");
    expect(await isIdleDeployment(pool, id)).toBe(true);
  });
});
