import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { AppError } from "../../errors.ts";
import { decodeId, encodeId, newUuid } from "../../ids.ts";
import { bulkActionLoop } from "../../loops/bulk-action-loop.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { Announcements } from "../../runs/announcements.ts";
import type { BulkActionStore } from "../../runs/bulk-action.ts";
import { createBulkActionService } from "../../runs/bulk-actions.ts";
import type { RunService } from "../../runs/run-service.ts";
import { createRunService } from "../../runs/runs.ts";
import { createBulkActionStore } from "./bulk-actions.ts";
import { createDeploymentCatalog } from "./deployment-catalog.ts";

const { pool } = await testDatabase();
const actions = createBulkActionStore(pool);

/** An environment of its own, with a loop that ticks when told; `wrap` plays a platform that is killed. */
async function world(wrap: (runs: RunService) => Pick<RunService, "cancel" | "replay"> = (runs) => runs) {
  const acts = await storeActs(pool);
  await acts.declare("task", { filePath: "task.ts", kind: "STANDARD" });
  await pool.query("update deployment set manifest = $2 where id = $1", [
    acts.at.deploymentId,
    { manifestVersion: 1, sdkVersion: "1", runtime: "node", tasks: [], queues: [], entry: "e.mjs" },
  ]);
  const environment = { id: acts.at.environmentId, type: "PRODUCTION" } as EnvironmentRef;
  const runs = createRunService({
    store: acts.store,
    announcements: new Announcements(() => {}),
    catalog: createDeploymentCatalog(pool),
    limits: async () => ({ ...DEFAULT_LIMITS }),
    tellWorker() {},
  });
  const service = createBulkActionService({ store: actions, onCreate() {} });
  const loop = (store: BulkActionStore = actions, over = wrap(runs)) =>
    bulkActionLoop({
      actions: store,
      store: acts.store,
      runs: over,
      environmentById: async () => environment,
      isLeader: () => true,
    });
  /** Ticks until nothing is left to do. */
  async function carryOut(ticking = loop()): Promise<void> {
    while ((await ticking.tick(0)) === 0);
  }
  const replaysOf = async (ids: string[]) => {
    const { rows } = await pool.query<{ id: string; n: number }>(
      `select replayed_from_id as id, count(*)::int as n from
         (select replayed_from_id from run union all select replayed_from_id from run_history) r
       where replayed_from_id = any ($1::uuid[]) group by 1`,
      [ids],
    );
    return new Map(rows.map(({ id, n }) => [id, n]));
  };
  async function ended(n: number, status: "FAILED" | "COMPLETED" = "FAILED"): Promise<string[]> {
    const made = [];
    for (let i = 0; i < n; i++) {
      const { run } = await acts.insert();
      await acts.finish({ runId: run.id }, status);
      made.push(run.id);
    }
    return made;
  }
  return { ...acts, environment, runs, service, loop, carryOut, replaysOf, ended };
}

describe("a bulk action", () => {
  test("replays what matches its filter, once, and none of what was made after it", async () => {
    const { service, environment, carryOut, replaysOf, ended, store } = await world();
    const failed = await ended(7);
    const completed = await ended(2, "COMPLETED");
    const id = await service.create(environment, {
      type: "REPLAY",
      filter: { sent: { status: "FAILED" }, runs: { status: ["FAILED"] } },
    });
    const later = await ended(1);
    await carryOut();
    await carryOut();
    expect(await replaysOf([...failed, ...completed, ...later])).toEqual(new Map(failed.map((run) => [run, 1])));
    const { action } = await service.retrieve(environment, id);
    expect(action).toMatchObject({
      total: 7,
      succeeded: 7,
      failed: 0,
      isSelected: true,
      isCapped: false,
      filter: { status: "FAILED" },
    });
    expect(action.completedAt).toBeInstanceOf(Date);
    const made = await store.list(environment.id, { bulkActionId: decodeId("bulk", id) as string }, { size: 100 });
    expect(made.map((run) => run.replayedFromRunId).sort()).toEqual(failed.map((run) => encodeId("run", run)).sort());
  });

  test("cancels live runs alone, and says how far it is", async () => {
    const { service, environment, carryOut, insert, status, ended } = await world();
    const [done] = await ended(1, "COMPLETED");
    const live = [];
    for (let n = 0; n < 30; n++) live.push((await insert()).run.id);
    const id = await service.create(environment, {
      type: "CANCEL",
      filter: { sent: { taskIdentifier: "task" }, runs: { taskId: ["task"] } },
    });
    await carryOut();
    expect((await service.retrieve(environment, id)).action).toMatchObject({ total: 30, succeeded: 30 });
    expect(new Set(await Promise.all(live.map(status)))).toEqual(new Set(["CANCELED"]));
    expect(await status(done as string)).toBe("COMPLETED");
  });

  test("that is to cancel ended runs has nothing to do", async () => {
    const { service, environment, carryOut, ended } = await world();
    await ended(1);
    const id = await service.create(environment, {
      type: "CANCEL",
      filter: { sent: {}, runs: { status: ["FAILED"] } },
    });
    await carryOut();
    expect((await service.retrieve(environment, id)).action).toMatchObject({ total: 0, completedAt: expect.any(Date) });
  });

  test("goes on past runs that it cannot be done to, and says why", async () => {
    const { service, environment, carryOut, ended, replaysOf } = await world();
    const [known] = await ended(1);
    const unknown = newUuid();
    const runIds = [known as string, unknown].map((id) => encodeId("run", id));
    const id = await service.create(environment, { type: "REPLAY", runIds });
    await carryOut();
    const { action, failures } = await service.retrieve(environment, id);
    expect(action).toMatchObject({ total: 2, succeeded: 1, failed: 1 });
    expect(failures).toMatchObject([{ runId: encodeId("run", unknown), code: "RUN_NOT_FOUND" }]);
    expect(await replaysOf([known as string])).toEqual(new Map([[known, 1]]));
  });

  test("waits where the platform has no room, and does not call that a failure", async () => {
    let isFull = true;
    const { service, environment, loop, ended, runs } = await world();
    const [run] = await ended(1);
    const id = await service.create(environment, { type: "REPLAY", runIds: [encodeId("run", run as string)] });
    const full = loop(actions, {
      cancel: runs.cancel,
      replay: (...args) => (isFull ? Promise.reject(new AppError("QUEUE_FULL", "full")) : runs.replay(...args)),
    });
    expect(await full.tick(0)).toBeUndefined();
    expect((await service.retrieve(environment, id)).action).toMatchObject({
      succeeded: 0,
      failed: 0,
      completedAt: undefined,
    });
    isFull = false;
    await pool.query("update bulk_action set retry_at = now() where id = $1", [decodeId("bulk", id)]);
    while ((await full.tick(0)) === 0);
    expect((await service.retrieve(environment, id)).action).toMatchObject({ succeeded: 1 });
  });

  test("that is aborted goes no further", async () => {
    const { service, environment, loop, carryOut, ended, replaysOf } = await world();
    const failed = await ended(30);
    const id = await service.create(environment, { type: "REPLAY", runIds: failed.map((run) => encodeId("run", run)) });
    await loop().tick(0);
    await service.abort(environment, id);
    await carryOut();
    expect((await service.retrieve(environment, id)).action).toMatchObject({
      total: 30,
      succeeded: 25,
      abortedAt: expect.any(Date),
      completedAt: undefined,
    });
    expect((await replaysOf(failed)).size).toBe(25);
  });

  test("is of one environment, and listed newest first, both ways", async () => {
    const [{ service, environment }, other] = [await world(), await world()];
    const ids: string[] = [];
    for (let n = 0; n < 3; n++)
      ids.unshift(await service.create(environment, { type: "CANCEL", runIds: [encodeId("run", newUuid())] }));
    await expect(service.retrieve(other.environment, ids[0] as string)).rejects.toMatchObject({
      code: "BULK_ACTION_NOT_FOUND",
    });
    await expect(service.abort(other.environment, ids[0] as string)).rejects.toMatchObject({
      code: "BULK_ACTION_NOT_FOUND",
    });
    expect((await service.list(other.environment, { size: 10 })).actions).toEqual([]);
    const first = await service.list(environment, { size: 2 });
    expect(first.actions.map((action) => action.id)).toEqual(ids.slice(0, 2));
    const second = await service.list(environment, { size: 2, after: first.next as string });
    expect(second.actions.map((action) => action.id)).toEqual(ids.slice(2));
    const back = await service.list(environment, { size: 2, before: second.previous as string });
    expect(back.actions.map((action) => action.id)).toEqual(ids.slice(0, 2));
  });
});

describe("a platform that is killed in the middle of a bulk action", () => {
  class Killed extends Error {}

  test("at any line leaves it to the next, and every run is replayed once, whatever becomes of the replays", async () => {
    const { service, environment, loop, runs, ended, replaysOf, store, at } = await world();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(12), { maxLength: 6 }), fc.boolean(), async (kills, byFilter) => {
        const failed = await ended(6);
        const runIds = failed.map((run) => encodeId("run", run));
        const filter = { sent: {}, runs: { status: ["FAILED" as const], from: new Date(Date.now() - 1) } };
        const id = await service.create(
          environment,
          byFilter ? { type: "REPLAY", runIds } : { type: "REPLAY", runIds, filter },
        );
        for (const after of kills) {
          let calls = 0;
          // Dies before or after what a call does, at the n-th of them.
          const killing =
            <A extends unknown[], R>(act: (...args: A) => Promise<R>) =>
            async (...args: A): Promise<R> => {
              if (calls++ === after) throw new Killed();
              const result = await act(...args);
              if (calls++ === after) throw new Killed();
              return result;
            };
          const dying = {
            ...actions,
            choose: killing(actions.choose),
            record: killing(actions.record),
            complete: killing(actions.complete),
          };
          await loop(dying, { cancel: runs.cancel, replay: killing(runs.replay) })
            .tick(0)
            .catch((error: unknown) => {
              if (!(error instanceof Killed)) throw error;
            });
          // What a replay made meanwhile fails: its key must not be free for another.
          for (const run of await store.list(at.environmentId, { status: ["QUEUED"] }, { size: 100 })) {
            const uuid = decodeId("run", run.id) as string;
            await store.finish([
              { environmentId: at.environmentId, runId: uuid, execution: undefined, status: "CRASHED" },
            ]);
          }
        }
        const next = loop();
        while ((await next.tick(0)) === 0);
        expect(await replaysOf(failed)).toEqual(new Map(failed.map((run) => [run, 1])));
        expect((await service.retrieve(environment, id)).action).toMatchObject({ total: 6, succeeded: 6, failed: 0 });
      }),
      { numRuns: 12 },
    );
  }, 60_000);

  test("with two that carry it out at once does nothing twice", async () => {
    const { service, environment, loop, ended, replaysOf } = await world();
    const failed = await ended(20);
    const id = await service.create(environment, {
      type: "REPLAY",
      filter: { sent: {}, runs: { status: ["FAILED"] } },
    });
    const both = [loop(), loop(), loop()];
    for (let n = 0; n < 6; n++) await Promise.all(both.map((one) => one.tick(0)));
    expect(await replaysOf(failed)).toEqual(new Map(failed.map((run) => [run, 1])));
    expect((await service.retrieve(environment, id)).action).toMatchObject({
      total: 20,
      succeeded: 20,
      completedAt: expect.any(Date),
    });
  });
});
