import { describe, expect, test } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import { BatchItemKnown, type NewRun } from "../../runs/run-store.ts";

const { pool } = await testDatabase();
const acts = await storeActs(pool);
const { at, store, queueId } = acts;

const DAY = 86_400_000;
const keyed = (key: string, over: Partial<NewRun> = {}) =>
  at.run(queueId, { idempotencyKey: key, idempotencyTtlMs: DAY, ...over });
const inserted = async (...runs: NewRun[]) =>
  (await store.insert(runs)).map((one) => ({ runId: one.runId, isCached: one.isCached }));
const live = async (id: string) => (await acts.status(id)) !== undefined;

describe("an idempotency key", () => {
  test("stands for its first run", async () => {
    const first = keyed("a");
    const second = keyed("a");
    expect(await inserted(first)).toEqual([{ runId: first.id, isCached: false }]);
    expect(await inserted(second)).toEqual([{ runId: first.id, isCached: true }]);
    expect(await live(second.id)).toBe(false);
  });

  test("is its task's own, and its environment's", async () => {
    const elsewhere = await storeActs(pool);
    const other = elsewhere.at.run(elsewhere.queueId, { idempotencyKey: "b", idempotencyTtlMs: DAY });
    const runs = [keyed("b"), keyed("b", { taskId: "another" }), other];
    expect((await inserted(...runs)).map((one) => one.isCached)).toEqual([false, false, false]);
  });

  test("stands for one run where two in one call have it", async () => {
    const runs = [keyed("c"), keyed("c"), keyed("d")];
    expect(await inserted(...runs)).toEqual([
      { runId: runs[0]?.id, isCached: false },
      { runId: runs[0]?.id, isCached: true },
      { runId: runs[2]?.id, isCached: false },
    ]);
  });

  test("stands for one run however many calls have it at once", async () => {
    const runs = Array.from({ length: 40 }, () => keyed("e"));
    const results = (await Promise.all(runs.map((run) => inserted(run)))).flat();
    expect(new Set(results.map((one) => one.runId)).size).toBe(1);
    expect(results.filter((one) => !one.isCached)).toHaveLength(1);
  });

  test("stands for a new run once it has expired", async () => {
    await inserted(keyed("f", { idempotencyTtlMs: -1 }));
    const next = keyed("f");
    expect(await inserted(next)).toEqual([{ runId: next.id, isCached: false }]);
  });

  test("may be as long as the limit allows, in any script", async () => {
    const key = Array.from({ length: 2048 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000))).join("");
    const first = keyed(key);
    await inserted(first);
    expect(await inserted(keyed(key))).toEqual([{ runId: first.id, isCached: true }]);
    expect(await store.resetIdempotencyKey(at.environmentId, "task", key)).toBe(1);
  });

  test.each(
    Object.entries({
      "is kept by a run that completes": { status: "COMPLETED", wantCached: true },
      "is cleared by a run that fails": { status: "FAILED", wantCached: false },
      "is cleared by a run that crashes": { status: "CRASHED", wantCached: false },
    } as const),
  )("%s", async (sentence, { status, wantCached }) => {
    const run = await acts.executing({ idempotencyKey: sentence, idempotencyTtlMs: DAY });
    await acts.finish(run, status, run);
    expect((await inserted(keyed(sentence)))[0]?.isCached).toBe(wantCached);
  });

  test("that stands for a newer run is not cleared by the older one's failure", async () => {
    const old = await acts.executing({ idempotencyKey: "g", idempotencyTtlMs: DAY });
    await store.resetIdempotencyKey(at.environmentId, undefined, "g");
    const newer = keyed("g");
    await inserted(newer);
    await acts.finish(old, "FAILED", old);
    expect(await inserted(keyed("g"))).toEqual([{ runId: newer.id, isCached: true }]);
  });
});

describe("a batch's item", () => {
  const batch = async () =>
    (
      await store.createBatch({
        id: newUuid(),
        environmentId: at.environmentId,
        expectedCount: 9,
        idempotencyKey: undefined,
        parentRunId: undefined,
      })
    ).id;

  test("that comes twice at once makes one run, and the other call learns it", async () => {
    const id = await batch();
    const calls = Array.from({ length: 5 }, () => store.insert([at.run(queueId, { batch: { id, item: 0 } })]));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter((one) => one.status === "fulfilled")).toHaveLength(1);
    for (const one of outcomes) if (one.status === "rejected") expect(one.reason).toBeInstanceOf(BatchItemKnown);
    const { rows } = await pool.query("select 1 from run where batch_id = $1", [id]);
    expect(rows).toHaveLength(1);
  });

  test("that is known leaves nothing of the call it came with", async () => {
    const id = await batch();
    await store.insert([at.run(queueId, { batch: { id, item: 1 } })]);
    const runs = [0, 1, 2].map((item) => at.run(queueId, { batch: { id, item } }));
    await expect(store.insert(runs)).rejects.toThrow(BatchItemKnown);
    expect(await Promise.all(runs.map((run) => live(run.id)))).toEqual([false, false, false]);
  });

  test("whose key has a run already is that run", async () => {
    const id = await batch();
    const first = keyed("in a batch");
    await inserted(first);
    await inserted(keyed("in a batch", { batch: { id, item: 3 } }));
    expect((await store.batchItems(id, [3])).get(3)?.runId).toBe(first.id);
  });
});

describe("inserting", () => {
  test("refuses what Postgres cannot hold to its own caller alone", async () => {
    const good = at.run(queueId);
    const bad = at.run(queueId, { concurrencyKey: "a\0b" });
    const outcomes = await Promise.allSettled([store.insert([good]), store.insert([bad])]);
    expect(outcomes.map((one) => one.status)).toEqual(["fulfilled", "rejected"]);
    expect(await live(good.id)).toBe(true);
  });

  test("keeps payloads as they are, byte by byte", async () => {
    const data = Buffer.from([0, 255, 34, 92, 10, 0x80]);
    const { run } = await acts.insert({
      payload: { data, type: "text/plain" },
      metadata: { data, type: "application/json" },
    });
    const kept = await store.retrieve(at.environmentId, run.id);
    expect(kept?.payload).toEqual({ data, type: "text/plain" });
    expect(kept?.metadata?.data).toEqual(data);
  });

  test("takes many large payloads at once in statements of a bearable size", async () => {
    const data = Buffer.alloc(3 * 1024 * 1024, 7);
    const runs = Array.from({ length: 12 }, () => at.run(queueId, { payload: { data, type: "text/plain" } }));
    expect(await Promise.all(runs.map((run) => store.insert([run])))).toHaveLength(12);
    await pool.query("delete from ready where run_id = any ($1)", [runs.map((run) => run.id)]);
  });

  test("counts what waits: queued, delayed and pending, not what executes", async () => {
    const other = await storeActs(pool);
    await other.executing();
    await other.insert();
    await other.insert({ status: "DELAYED", delayUntil: new Date(Date.now() + DAY) });
    await other.insert({ status: "PENDING_VERSION" });
    expect(await store.countQueued(other.at.environmentId)).toBe(3);
  });
});
