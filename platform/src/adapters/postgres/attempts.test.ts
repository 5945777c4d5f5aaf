import { describe, expect, test } from "vitest";
import { nobody, storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import type { AdmittedRun } from "../../runs/run-store.ts";

const { pool } = await testDatabase();
const acts = await storeActs(pool);
const { at, store } = acts;
const detail = (run: { runId: string }) => store.retrieve(at.environmentId, run.runId);

describe("putting a run back", () => {
  test("queues it again in its old place, free of its slot and its worker", async () => {
    const run = await acts.executing();
    const put = await acts.requeue(run);
    expect(put).toMatchObject({ status: "QUEUED" });
    if (put === "fenced") throw new Error("fenced");
    const [again] = await acts.admit([put.announcement]);
    expect(again).toMatchObject({ runId: run.runId, attempt: 1 });
    expect(again?.executionId).not.toBe(run.executionId);
    expect(BigInt(again?.fence ?? 0)).toBe(BigInt(run.fence) + 1n);
    await acts.finish(run, "COMPLETED", again);
  });

  test("with a pause delays it by the database's clock, and announces the slot it frees", async () => {
    const run = await acts.executing();
    const put = await acts.requeue(run, { delayMs: 31_000, nextAttempt: 2, lost: false });
    expect(put).toMatchObject({ status: "DELAYED", announcement: { orderAt: undefined } });
    // From when it was put back, not from this look at it.
    const { rows } = await pool.query<{ ms: number }>(
      `select (extract(epoch from t.due_at - r.updated_at) * 1000)::int as ms
       from run_timer t join run r on r.id = t.run_id where r.id = $1`,
      [run.runId],
    );
    expect(rows).toEqual([{ ms: 31_000 }]);
  });

  test("counts losses, deferrals, compute time and attempts", async () => {
    const run = await acts.executing();
    await acts.requeue(run, {
      delayMs: 60_000,
      nextAttempt: 2,
      deferred: true,
      lost: true,
      computeMs: 12.4,
      machine: "large-1x",
    });
    const { rows } = await pool.query(
      "select platform_losses, deferrals, compute_ms::int, attempt, machine, status from run where id = $1",
      [run.runId],
    );
    expect(rows[0]).toEqual({
      platform_losses: 1,
      deferrals: 1,
      compute_ms: 12,
      attempt: 2,
      machine: "large-1x",
      status: "DELAYED",
    });
    expect((await detail(run))?.attempts).toHaveLength(1);
  });

  test("remembers no more than the last 300 attempts", async () => {
    const run = await acts.executing();
    await pool.query(
      "update run set attempts = (select jsonb_agg(jsonb_build_object('number', n)) from generate_series(1, 300) n) where id = $1",
      [run.runId],
    );
    await acts.requeue(run, { delayMs: 60_000 });
    const kept = (await detail(run))?.attempts ?? [];
    expect(kept).toHaveLength(300);
    expect(kept[0]?.number).toBe(2);
    expect(kept.at(-1)?.outcome).toBe("LOST");
  });

  test("ends it where its cancel was on the way to its worker", async () => {
    const run = await acts.executing();
    expect(await store.requestCancel(at.environmentId, run.runId, "enough", 35_000)).toMatchObject({
      state: "onWorker",
      executionId: run.executionId,
    });
    expect(await acts.requeue(run, { delayMs: 3600_000 })).toMatchObject({ status: "CANCELED" });
    expect(await acts.status(run.runId)).toBe("CANCELED");
  });
});

describe("the next attempt on the same worker", () => {
  test("is the same execution with the next number", async () => {
    const run = await acts.executing();
    const next = await acts.retryInPlace(run);
    expect(next).toMatchObject({ executionId: run.executionId, fence: run.fence, attempt: 2, computeMs: 10 });
  });

  test("is given again to a worker that asks again, and counted once", async () => {
    const run = await acts.executing();
    await acts.retryInPlace(run);
    expect(await acts.retryInPlace(run)).toMatchObject({ attempt: 2, computeMs: 10 });
    expect((await detail(run))?.attempts).toHaveLength(1);
  });

  test("keeps an error's text that Postgres cannot hold as well as it can", async () => {
    const run = await acts.executing();
    const error = { name: "E", message: "nul \0, half \ud83d" };
    await acts.retryInPlace(run, { attempt: { number: 1, startedAt: "", finishedAt: "", outcome: "FAILED", error } });
    expect((await detail(run))?.attempts[0]?.error?.message).toBe("nul ␀, half �");
  });
});

describe("a cancel", () => {
  const cancel = (runId: string) => store.requestCancel(at.environmentId, runId, "why \0", 35_000);
  const timers = async (runId: string) =>
    (await pool.query("select 1 from run_timer where run_id = $1 and kind = 'forceCancel'", [runId])).rowCount;

  test("of a run on no worker leaves it to be ended, with a timer should that fail", async () => {
    const { run } = await acts.insert();
    expect(await cancel(run.id)).toEqual({ state: "idle" });
    expect(await timers(run.id)).toBe(1);
    expect(await acts.finish({ runId: run.id }, "CANCELED")).toBe(true);
    expect(await cancel(run.id)).toEqual({ state: "ended" });
  });

  test("asked for twice keeps the first reason and one timer", async () => {
    const run = await acts.executing();
    await cancel(run.runId);
    await store.requestCancel(at.environmentId, run.runId, "again", 1);
    expect(await timers(run.runId)).toBe(1);
    const { rows } = await pool.query("select cancel_reason from run where id = $1", [run.runId]);
    expect(rows).toEqual([{ cancel_reason: "why ␀" }]);
  });

  test("of a run that nobody knows, or of another environment, is unknown", async () => {
    const run = await acts.executing();
    expect(await cancel(newUuid())).toEqual({ state: "unknown" });
    expect(await store.requestCancel(at.environmentId + 1000, run.runId, undefined, 1)).toEqual({ state: "unknown" });
  });

  test("races admission: one of them wins, and the run is never both", async () => {
    for (let round = 0; round < 25; round++) {
      const { run, announced } = await acts.insert();
      const [isCanceled, admitted] = await Promise.all([
        acts.finish({ runId: run.id }, "CANCELED"),
        acts.admit(announced),
      ]);
      const mine = admitted.find((one) => one.runId === run.id);
      expect(isCanceled).toBe(mine === undefined);
      if (mine !== undefined) expect(await acts.finish(mine, "COMPLETED", mine)).toBe(true);
    }
  });

  test("races a completion: the run ends once", async () => {
    for (let round = 0; round < 25; round++) {
      const run = await acts.executing();
      const ends = await Promise.all(
        (["CANCELED", "COMPLETED"] as const).map((status) => acts.finish(run, status, run)),
      );
      expect(ends.filter(Boolean)).toHaveLength(1);
      const { rows } = await pool.query("select 1 from run_history where id = $1", [run.runId]);
      expect(rows).toHaveLength(1);
    }
  });

  test("finds all that is below a run, level by level, and nothing else", async () => {
    const root = await acts.executing();
    const child = await acts.executing({ parentRunId: root.runId, rootRunId: root.runId, depth: 1 });
    const sibling = await acts.executing({ parentRunId: root.runId, rootRunId: root.runId, depth: 1 });
    const { run: grandchild } = await acts.insert({ parentRunId: child.runId, rootRunId: root.runId, depth: 2 });
    await acts.insert();
    const below = await store.openDescendants(at.environmentId, root.runId);
    expect(below.map((level) => level.sort())).toEqual([[child.runId, sibling.runId].sort(), [grandchild.id]]);
  });
});

describe("a stale worker", () => {
  const stale: Record<string, (run: AdmittedRun) => Promise<unknown>> = {
    "completes nothing": (run) => acts.finish(run, "COMPLETED", run),
    "puts nothing back": (run) => acts.requeue(run),
    "retries nothing": (run) => acts.retryInPlace(run),
    "stores no events": (run) =>
      store.appendEvents(run, 5, 1, [{ at: 1, kind: "log", level: "info", message: "late" }]),
    "writes no metadata": (run) => store.applyMetadataBatch(run, { number: 5, own: () => '{"late":true}' }),
    "extends no lease": (run) => store.heartbeat([run], 60_000),
    "decides nothing": (run) => store.runForDecision(at.environmentId, run),
    "is granted nothing again": (run) => store.runOnWorker(at.environmentId, run.runId, run),
  };

  test.each(Object.entries(stale))("%s", async (_sentence, act) => {
    const old = await acts.executing();
    const put = await acts.requeue(old);
    if (put === "fenced") throw new Error("fenced");
    const [now] = await acts.admit([put.announcement]);
    if (now === undefined) throw new Error("not admitted");
    for (const ref of [
      old,
      { ...now, fence: old.fence },
      { ...now, executionId: old.executionId },
      { ...now, ...nobody() },
    ]) {
      const before = await acts.everythingOf(now.runId);
      const answer = await act(ref);
      expect(await acts.everythingOf(now.runId)).toBe(before);
      expect([undefined, false, "fenced", '{"alive":[],"cancel":[]}']).toContain(
        typeof answer === "object" ? JSON.stringify(answer) : answer,
      );
    }
    await acts.finish(now, "COMPLETED", now);
  });

  test("of another environment or run does no harm with the right execution", async () => {
    const run = await acts.executing();
    const before = await acts.everythingOf(run.runId);
    const foreign = {
      environmentId: at.environmentId + 1000,
      runId: run.runId,
      execution: run,
      status: "COMPLETED" as const,
    };
    expect(await store.finish([foreign])).toEqual([]);
    expect(await store.finish([{ ...foreign, environmentId: at.environmentId, runId: newUuid() }])).toEqual([]);
    expect(await acts.requeue(run, { environmentId: at.environmentId + 1000 })).toBe("fenced");
    expect(await acts.everythingOf(run.runId)).toBe(before);
  });

  test("of before a restored backup is stale: the epoch is in every fence", async () => {
    const before = await acts.executing();
    await pool.query("update cluster_state set epoch = epoch + 1");
    const after = await acts.executing();
    expect(BigInt(after.fence) >> 32n).toBe((BigInt(before.fence) >> 32n) + 1n);
  });
});
