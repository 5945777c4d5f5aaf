import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { AppError } from "../../errors.ts";
import { decodeId, encodeId, newUuid } from "../../ids.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { Announcements } from "../../runs/announcements.ts";
import type { TriggerRequest } from "../../runs/run.ts";
import { createRunService } from "../../runs/runs.ts";
import { createDeploymentCatalog } from "./deployment-catalog.ts";

const { pool } = await testDatabase();
const acts = await storeActs(pool);
const { at, store } = acts;
await pool.query("update deployment set manifest = $2 where id = $1", [
  at.deploymentId,
  { manifestVersion: 1, sdkVersion: "1", runtime: "node", tasks: [], queues: [], entry: "e" },
]);
await acts.declare("task", { filePath: "task.ts" });
const environment = { id: at.environmentId, type: "PRODUCTION" } as EnvironmentRef;
const announcements = new Announcements(() => {});
let limits = { ...DEFAULT_LIMITS } as Record<keyof typeof DEFAULT_LIMITS, number>;
const runs = createRunService({
  store,
  announcements,
  catalog: createDeploymentCatalog(pool),
  limits: async () => limits,
  tellWorker() {},
});

const request = (over: Partial<TriggerRequest> = {}): TriggerRequest => ({
  taskId: "task",
  payload: { data: Buffer.from("1"), type: "application/json" },
  ...over,
});
const items = (...indexes: number[]) => indexes.map((index) => ({ index, request: request() }));
const batch = async (expectedCount: number, idempotencyKey?: string) =>
  (await runs.createBatch(environment, { expectedCount, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) }))
    .batchId;

describe("a batch", () => {
  test("is made once for a key, however long", async () => {
    const key = Array.from({ length: 2000 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000))).join("");
    const ids = await Promise.all([1, 2, 3].map(() => batch(1, key)));
    expect(new Set(ids).size).toBe(1);
    expect(await batch(1, "another")).not.toBe(ids[0]);
  });

  test("takes items in several calls, answers those it knows, and is complete when all have ended", async () => {
    const id = await batch(3);
    const first = await runs.addToBatch(environment, id, items(0, 1));
    const second = await runs.addToBatch(environment, id, items(1, 2));
    expect(second[0]).toEqual({
      index: 1,
      result: { runId: (first[1] as { result: { runId: string } }).result.runId, isCached: true },
    });
    expect(await runs.retrieveBatch(environment, id)).toMatchObject({ status: "PENDING", sealed: false });
    await runs.sealBatch(environment, id);
    const sealed = await runs.retrieveBatch(environment, id);
    expect(sealed).toMatchObject({ status: "PENDING", sealed: true, runCount: 3 });
    expect(sealed?.runIds).toHaveLength(3);
    for (const run of await acts.admit(announcements.take(at.environmentId, 100)))
      await acts.finish(run, "COMPLETED", run);
    expect(await runs.retrieveBatch(environment, id)).toMatchObject({
      status: "COMPLETED",
      completedAt: expect.any(Date),
    });
  });

  test("that is sent twice at once makes each run once, and both callers get the same ids", async () => {
    const id = await batch(60);
    const all = Array.from({ length: 60 }, (_, index) => index);
    const answers = await Promise.all([0, 1, 2].map(() => runs.addToBatch(environment, id, items(...all))));
    const ids = answers.map((answer) => answer.map((item) => ("result" in item ? item.result.runId : item.error.code)));
    expect(ids[1]).toEqual(ids[0]);
    expect(ids[2]).toEqual(ids[0]);
    const { rows } = await pool.query("select 1 from run where batch_id = $1", [decodeId("batch", id)]);
    expect(rows).toHaveLength(60);
  });

  test("remembers why an item has no run, and goes on with the others", async () => {
    const id = await batch(2);
    const bad = { index: 0, request: request({ taskId: "tusk" }) };
    const [refused, fine] = await runs.addToBatch(environment, id, [bad, ...items(1)]);
    expect(refused).toMatchObject({
      index: 0,
      error: { code: "TASK_NOT_FOUND", message: expect.stringContaining('Did you mean "task"') },
    });
    expect(fine).toMatchObject({ index: 1, result: { isCached: false } });
    await runs.sealBatch(environment, id);
    expect(await runs.retrieveBatch(environment, id)).toMatchObject({
      failures: [{ index: 0, code: "TASK_NOT_FOUND" }],
    });
    expect((await runs.addToBatch(environment, id, [bad]))[0]).toMatchObject({ error: expect.any(AppError) });
  });

  test("that is sealed takes nothing new", async () => {
    const id = await batch(2);
    await runs.addToBatch(environment, id, items(0));
    await runs.sealBatch(environment, id);
    await expect(runs.addToBatch(environment, id, items(1))).rejects.toMatchObject({ code: "BATCH_SEALED" });
    expect(await runs.addToBatch(environment, id, items(0))).toMatchObject([{ result: { isCached: true } }]);
  });

  test("of another environment, or none, is not found", async () => {
    const id = await batch(1);
    const elsewhere = { ...environment, id: at.environmentId + 1000 };
    await expect(runs.addToBatch(elsewhere, id, items(0))).rejects.toMatchObject({ code: "BATCH_NOT_FOUND" });
    await expect(runs.addToBatch(environment, encodeId("batch", newUuid()), items(0))).rejects.toMatchObject({
      code: "BATCH_NOT_FOUND",
    });
    expect(await runs.retrieveBatch(elsewhere, id)).toBeUndefined();
  });
});

describe("triggering", () => {
  const one = async (over: Partial<TriggerRequest>, fence?: { executionId: string; fence: string }) =>
    (await runs.trigger(environment, [request(over)], fence))[0];
  const child = (run: { runId: string }) => ({ parentRunId: encodeId("run", run.runId) });

  test("inside a run makes its child, one deeper, of the same root", async () => {
    const root = await acts.executing();
    const made = await one(child(root), root);
    const kept = await runs.retrieve(environment, (made as { runId: string }).runId);
    expect(kept).toMatchObject({
      parentRunId: encodeId("run", root.runId),
      rootRunId: encodeId("run", root.runId),
      depth: 1,
    });
  });

  test("by a stale execution is refused, by the onFailure of an ended run it is not", async () => {
    await acts.declare("mourner", { filePath: "m.ts", hasOnFailure: true });
    const run = await acts.executing({ taskId: "mourner" });
    expect(await one(child(run), { ...run, fence: "1" })).toMatchObject({ code: "EXECUTION_FENCED" });
    await acts.finish(run, "CRASHED", run, { failureHook: true });
    expect(await one(child(run), run)).toMatchObject({ code: "EXECUTION_FENCED" });
    const [hook] = await store.claimFailureHooks(10);
    expect(await one(child(run), { executionId: hook?.executionId as string, fence: "0" })).toMatchObject({
      isCached: false,
    });
  });

  test("has limits: depth, children, what is queued", async () => {
    const run = await acts.executing();
    await pool.query("update run set depth = 32 where id = $1", [run.runId]);
    expect(await one(child(run), run)).toMatchObject({ code: "TREE_TOO_DEEP" });
    await pool.query("update run set depth = 0 where id = $1", [run.runId]);
    limits = { ...DEFAULT_LIMITS, openChildrenPerRun: 1 };
    expect(await one(child(run), run)).toMatchObject({ isCached: false });
    expect(await one(child(run), run)).toMatchObject({ code: "TOO_MANY_CHILDREN" });
    limits = { ...DEFAULT_LIMITS };
  });

  test("counts delayed runs among the queued ones", async () => {
    const own = await storeActs(pool);
    await pool.query("update deployment set manifest = (select manifest from deployment where id = $2) where id = $1", [
      own.at.deploymentId,
      at.deploymentId,
    ]);
    await own.declare("task", { filePath: "task.ts" });
    const few = createRunService({
      store,
      announcements,
      catalog: createDeploymentCatalog(pool),
      tellWorker() {},
      limits: async () => ({ ...DEFAULT_LIMITS, queuedRuns: 2 }),
    });
    const here = { id: own.at.environmentId, type: "PRODUCTION" } as EnvironmentRef;
    const delayed = request({ delayUntil: new Date(Date.now() + 3600_000) });
    await few.trigger(here, [delayed, delayed]);
    await expect(few.trigger(here, [request()])).rejects.toMatchObject({
      code: "QUEUE_FULL",
      details: { limit: "queuedRuns" },
    });
  });

  test("is refused while the disk is nearly full, and so are batches and uploads; what runs may end", async () => {
    const full = createRunService({
      store,
      announcements,
      catalog: createDeploymentCatalog(pool),
      limits: async () => limits,
      tellWorker() {},
      isStorageFull: () => true,
    });
    const refused = { code: "STORAGE_FULL", retryAfterSeconds: 30 };
    await expect(full.trigger(environment, [request()])).rejects.toMatchObject(refused);
    await expect(full.createBatch(environment, { expectedCount: 1 })).rejects.toMatchObject(refused);
    await expect(full.putPacket(environment, "p", request().payload)).rejects.toMatchObject(refused);
    const run = await acts.executing();
    expect(await acts.finish(run, "COMPLETED", run)).toBe(true);
  });

  test("again replays a run with its options, and those that are given instead", async () => {
    const made = await one({ tags: ["a"], priority: 3, concurrencyKey: "k", maxAttempts: 7 });
    const { runId } = await runs.replay(environment, (made as { runId: string }).runId, { maxAttempts: 2 });
    expect(await runs.retrieve(environment, runId)).toMatchObject({
      tags: ["a"],
      priority: 3,
      concurrencyKey: "k",
      maxAttempts: 2,
      replayedFromRunId: (made as { runId: string }).runId,
    });
  });
});
