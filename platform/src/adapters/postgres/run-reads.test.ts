import { beforeAll, describe, expect, test } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { decodeId, encodeId, newUuid } from "../../ids.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { Announcements } from "../../runs/announcements.ts";
import type { RunFilter } from "../../runs/run.ts";
import { createRunService } from "../../runs/runs.ts";

const { pool } = await testDatabase();
const acts = await storeActs(pool);
const { at, store } = acts;
const environment = { id: at.environmentId } as EnvironmentRef;
const runs = createRunService({
  store,
  announcements: new Announcements(() => {}),
  catalog: {} as never,
  limits: async () => ({}) as never,
  tellWorker() {},
});

/** Oldest first; every second one has ended. */
const ids: string[] = [];
let batchId: string;
beforeAll(async () => {
  batchId = (
    await store.createBatch({
      id: newUuid(),
      environmentId: at.environmentId,
      expectedCount: 1,
      idempotencyKey: undefined,
      parentRunId: undefined,
    })
  ).id;
  for (let n = 0; n < 11; n++) {
    const run = await acts.executing({
      taskId: n < 6 ? "first" : "second",
      tags: n % 3 === 0 ? ["third", `n${n}`] : [],
      isTest: n === 4,
      ...(n === 5 ? { machine: "large-1x" } : {}),
      ...(n === 7 ? { parentRunId: ids[0] as string, rootRunId: ids[0] as string } : {}),
      ...(n === 9 ? { batch: { id: batchId, item: 0 } } : {}),
    });
    ids.push(run.runId);
    if (n % 2 === 0) await acts.finish(run, n === 2 ? "FAILED" : "COMPLETED", run);
  }
});

const numbers = (page: { runs: { id: string }[] }) =>
  page.runs.map((run) => ids.indexOf(decodeId("run", run.id) as string));
const list = (filter: RunFilter = {}, page: { size: number; after?: string; before?: string } = { size: 100 }) =>
  runs.list(environment, filter, page);

describe("a list of runs", () => {
  test("goes on page by page, newest first, over live and ended runs alike, and back again", async () => {
    const seen: number[][] = [];
    let page = await list({}, { size: 4 });
    expect(page.previous).toBeUndefined();
    for (;;) {
      seen.push(numbers(page));
      if (page.next === undefined) break;
      page = await list({}, { size: 4, after: page.next });
    }
    expect(seen).toEqual([
      [10, 9, 8, 7],
      [6, 5, 4, 3],
      [2, 1, 0],
    ]);
    page = await list({}, { size: 4, before: page.previous as string });
    expect(numbers(page)).toEqual([6, 5, 4, 3]);
    page = await list({}, { size: 4, before: page.previous as string });
    expect(numbers(page)).toEqual([10, 9, 8, 7]);
    expect(page.previous).toBeUndefined();
    expect(numbers(await list({}, { size: 4, after: page.next as string }))).toEqual([6, 5, 4, 3]);
  });

  const filters: Record<string, { filter: () => RunFilter; want: number[] }> = {
    "by status, of live and ended runs": {
      filter: () => ({ status: ["EXECUTING", "FAILED"] }),
      want: [9, 7, 5, 3, 2, 1],
    },
    "by task": { filter: () => ({ taskId: ["second"] }), want: [10, 9, 8, 7, 6] },
    "by any of several tags": { filter: () => ({ tags: ["n9", "n3"] }), want: [9, 3] },
    "by machine": { filter: () => ({ machine: ["large-1x"] }), want: [5] },
    "of tests": { filter: () => ({ isTest: true }), want: [4] },
    "but no tests": { filter: () => ({ isTest: false, taskId: ["first"] }), want: [5, 3, 2, 1, 0] },
    "of a batch": { filter: () => ({ batchId: encodeId("batch", batchId) }), want: [9] },
    "below a parent": { filter: () => ({ parentRunId: encodeId("run", ids[0] as string) }), want: [7] },
    "below a root": { filter: () => ({ rootRunId: encodeId("run", ids[0] as string) }), want: [7] },
    "by version": { filter: () => ({ version: ["20260101.1"] }), want: [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0] },
    "by a version nobody has": { filter: () => ({ version: ["nope"] }), want: [] },
    "by a queue nobody has": { filter: () => ({ queue: ["nope"] }), want: [] },
    "from a time on": { filter: () => ({ from: new Date(Date.now() + 60_000) }), want: [] },
    "up to a time": { filter: () => ({ to: new Date(Date.now() - 60_000) }), want: [] },
    "by several of these": { filter: () => ({ taskId: ["first"], tags: ["third"], status: ["COMPLETED"] }), want: [0] },
  };
  test.each(Object.entries(filters))("%s", async (_sentence, { filter, want }) => {
    expect(numbers(await list(filter()))).toEqual(want);
  });

  test("is of one environment", async () => {
    const other = await storeActs(pool);
    expect((await runs.list({ id: other.at.environmentId } as EnvironmentRef, {}, { size: 10 })).runs).toEqual([]);
    expect(await store.retrieve(other.at.environmentId, ids[0] as string)).toBeUndefined();
  });
});

describe("a run", () => {
  test("is found although the platform's clock was an hour ahead of the database's", async () => {
    const run = await acts.executing({ id: newUuid(Date.now() + 3600_000) });
    await acts.finish(run, "COMPLETED", run);
    expect(await acts.status(run.runId)).toBe("COMPLETED");
    expect((await store.explainFacts(at.environmentId, run.runId))?.status).toBe("COMPLETED");
  });

  test("is explained as it is: its place in the queue, its limits, its worker", async () => {
    const own = await storeActs(pool);
    const queue = await own.at.queue({ limit: 1, combined: 5, rate: { limit: 1, periodMs: 60_000 } });
    const inserted = [own.at.run(queue), own.at.run(queue), own.at.run(queue)];
    await own.admit((await store.insert(inserted)).flatMap((one) => one.announcement ?? []));
    expect(await store.explainFacts(own.at.environmentId, inserted[0]?.id as string)).toMatchObject({
      status: "EXECUTING",
      laneRunning: 1,
    });
    const facts = await store.explainFacts(own.at.environmentId, inserted[2]?.id as string);
    expect(facts).toMatchObject({
      status: "QUEUED",
      position: 1,
      laneLimit: 1,
      laneRunning: 1,
      combinedLimit: 5,
      queueRunning: 1,
      rateLeft: 0,
    });
    expect(facts?.rateDueAt?.getTime()).toBeGreaterThan(Date.now());
  });
});

describe("canceling a run", () => {
  test("cancels what is below it, on workers and off", async () => {
    const root = await acts.executing();
    const child = await acts.executing({ parentRunId: root.runId, rootRunId: root.runId });
    const { run: waiting } = await acts.insert({ parentRunId: child.runId, rootRunId: root.runId });
    await runs.cancel(environment, encodeId("run", root.runId), "enough");
    expect(await acts.status(waiting.id)).toBe("CANCELED");
    expect((await store.heartbeat([root, child], 1000)).cancel.sort()).toEqual(
      [root.executionId, child.executionId].sort(),
    );
  });

  test("that nobody knows is an error, one that has ended is none", async () => {
    await expect(runs.cancel(environment, encodeId("run", newUuid()))).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    await runs.cancel(environment, encodeId("run", ids[0] as string));
    expect(await acts.status(ids[0] as string)).toBe("COMPLETED");
  });
});

describe("forcing a run to fail", () => {
  test.each(["executing", "dequeued", "insert"] as const)("works where it is %s", async (act) => {
    const made = await acts[act]();
    const runId = "runId" in made ? made.runId : made.run.id;
    await runs.forceFail(environment, encodeId("run", runId), "operator \0");
    expect(await store.retrieve(at.environmentId, runId)).toMatchObject({
      status: "SYSTEM_FAILURE",
      error: { code: "FORCE_FAILED", message: "operator ␀" },
    });
    await expect(runs.forceFail(environment, encodeId("run", runId), "again")).rejects.toMatchObject({
      code: "RUN_ALREADY_FINISHED",
    });
  });
});
