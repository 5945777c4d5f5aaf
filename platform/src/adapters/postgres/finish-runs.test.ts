import { describe, expect, test } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";

const { pool } = await testDatabase();
const acts = await storeActs(pool);
const { at, store } = acts;
const hookOf = async (runId: string) =>
  (await pool.query("select status, error from failure_hook where run_id = $1", [runId])).rows[0];

async function isBlocked(): Promise<boolean> {
  const waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  return (await pool.query(waiting)).rowCount === 1;
}

describe("ending a run", () => {
  test("moves all of it to history and frees its slot", async () => {
    const run = await acts.executing({ tags: ["a"], maxDurationMs: 5, concurrencyKey: "k" });
    const output = { data: Buffer.from([0, 1, 255]), type: "application/json" };
    const attempt = { number: 1, startedAt: "x", finishedAt: "y", outcome: "COMPLETED" as const };
    const [finished] = await store.finish([
      {
        environmentId: at.environmentId,
        runId: run.runId,
        execution: run,
        status: "COMPLETED",
        output,
        attempt,
        computeMs: 41.7,
      },
    ]);
    expect(finished?.announcement).toMatchObject({ environmentId: at.environmentId, orderAt: undefined });
    const kept = await store.retrieve(at.environmentId, run.runId);
    expect(kept).toMatchObject({
      status: "COMPLETED",
      output,
      attempts: [attempt],
      computeMs: 42,
      tags: ["a"],
      concurrencyKey: "k",
      maxDurationMs: 5,
    });
    expect(kept?.finishedAt).toBeInstanceOf(Date);
    for (const table of ["run", "slot", "execution", "ready"]) {
      const column = table === "run" ? "id" : "run_id";
      expect((await pool.query(`select 1 from ${table} where ${column} = $1`, [run.runId])).rows).toEqual([]);
    }
  });

  test("that is queued at the same time leaves it to the next try, and fails nobody", async () => {
    const { run } = await acts.insert({ status: "DELAYED", delayUntil: new Date(Date.now() + 3_600_000) });
    const other = await pool.connect();
    try {
      await other.query("begin");
      await other.query("update run set status = 'QUEUED' where id = $1", [run.id]);
      const ending = acts.finish({ runId: run.id }, "CANCELED");
      await expect.poll(isBlocked).toBe(true);
      await other.query("commit");
      expect(await ending).toBe(false);
    } finally {
      other.release(true);
    }
  });

  test("keeps the rest of a batch where one completion cannot be stored", async () => {
    const good = await acts.executing();
    const bad = await acts.executing();
    const outcomes = await Promise.allSettled([
      acts.finish(good, "COMPLETED", good),
      acts.finish(bad, "COMPLETED", { executionId: "no id at all", fence: "x" }),
    ]);
    expect(outcomes).toMatchObject([{ status: "fulfilled", value: true }, { status: "rejected" }]);
  });

  test.each(
    Object.entries({
      "a NUL character": { message: "a\0b", want: "a␀b" },
      "half of an emoji, as a message that was cut has it": { message: "😀".slice(0, 1), want: "�" },
      "backslashes that look like one": { message: "\\u0000 and \\ud83d", want: "\\u0000 and \\ud83d" },
    }),
  )("stores an error with %s", async (_sentence, { message, want }) => {
    const run = await acts.executing();
    const error = { name: "Error", message, stack: message, cause: { name: "Inner", message } };
    expect(await acts.finish(run, "FAILED", run, { error })).toBe(true);
    expect((await store.retrieve(at.environmentId, run.runId))?.error).toEqual({
      name: "Error",
      message: want,
      stack: want,
      cause: { name: "Inner", message: want },
    });
  });

  test("of a hundred runs at once shares commits and ends each", async () => {
    const runs = [];
    for (let n = 0; n < 60; n++) runs.push(await acts.executing());
    expect(await Promise.all(runs.map((run) => acts.finish(run, "COMPLETED", run)))).toEqual(runs.map(() => true));
  });
});

describe("a time to live", () => {
  const expire = (runId: string, over = {}) =>
    acts.finish({ runId }, "EXPIRED", undefined, { onlyUnstarted: true, ...over });

  test("ends a run that was never started, also one that lost its worker before it came", async () => {
    const { run } = await acts.insert();
    expect(await expire(run.id)).toBe(true);
    const dequeued = await acts.dequeued();
    await acts.requeue(dequeued);
    expect(await expire(dequeued.runId)).toBe(true);
  });

  test("spares a run that has started", async () => {
    const run = await acts.executing();
    await acts.requeue(run, { delayMs: 60_000 });
    expect(await expire(run.runId)).toBe(false);
    expect(await acts.status(run.runId)).toBe("DELAYED");
  });

  test("of the wait for a version spares a run that has its version", async () => {
    const { run } = await acts.insert({ status: "PENDING_VERSION" });
    await store.releasePendingVersions(at.environmentId, 100);
    expect(await expire(run.id, { onlyPending: true })).toBe(false);
    expect(await acts.status(run.id)).toBe("QUEUED");
    const { run: delayed } = await acts.insert({ status: "DELAYED", delayUntil: new Date(Date.now() + 1e6) });
    expect(await expire(delayed.id, { onlyPending: true })).toBe(false);
    const { run: pending } = await acts.insert({ status: "PENDING_VERSION" });
    expect(await expire(pending.id, { onlyPending: true })).toBe(true);
    expect((await pool.query("select 1 from pending_version where run_id = $1", [pending.id])).rows).toEqual([]);
  });
});

describe("onFailure in a fresh process", () => {
  test("is left to run for a task that has one", async () => {
    await acts.declare("with hook", { hasOnFailure: true });
    const run = await acts.executing({ taskId: "with hook" });
    const error = { name: "E", message: "m" };
    await acts.finish(run, "CRASHED", run, { error, failureHook: true });
    expect(await hookOf(run.runId)).toEqual({ status: "CRASHED", error });
  });

  test("is left to run, by the current version, for a run that never started", async () => {
    const { run } = await acts.insert({ taskId: "with hook" });
    await acts.finish({ runId: run.id }, "EXPIRED", undefined, { failureHook: true });
    expect(await hookOf(run.id)).toMatchObject({ status: "EXPIRED" });
  });

  test("is nothing to a task that has none, or whose own process ran it", async () => {
    await acts.declare("without hook", { hasOnFailure: false });
    const without = await acts.executing({ taskId: "without hook" });
    await acts.finish(without, "CRASHED", without, { failureHook: true });
    const own = await acts.executing({ taskId: "with hook" });
    await acts.finish(own, "FAILED", own, { failureHook: false });
    expect([await hookOf(without.runId), await hookOf(own.runId)]).toEqual([undefined, undefined]);
  });

  test("is claimed by one platform, kept by the worker that was heard of, and done once", async () => {
    await pool.query("delete from failure_hook");
    const run = await acts.executing({ taskId: "with hook" });
    await acts.finish(run, "TIMED_OUT", run, { failureHook: true });
    const claims = await Promise.all([store.claimFailureHooks(20), store.claimFailureHooks(20)]);
    const [hook] = claims.flat();
    expect(claims.flat()).toHaveLength(1);
    if (hook === undefined) throw new Error("no hook");
    const ref = { executionId: hook.executionId, fence: "0" };
    expect(await store.isFailureHook(run.runId, hook.executionId)).toBe(true);
    expect(await store.heartbeat([ref], 1000)).toEqual({ alive: [hook.executionId], cancel: [] });
    await pool.query("update failure_hook set claimed_at = now() - interval '1 hour'");
    expect(await store.claimFailureHooks(20)).toEqual([]);
    await store.releaseFailureHook(hook.executionId, 0);
    expect(await store.claimFailureHooks(20)).toEqual([]);
    expect(await store.finishFailureHook(hook.executionId)).toBe(true);
    expect(await store.finishFailureHook(hook.executionId)).toBe(false);
    expect((await store.heartbeat([ref], 1000)).alive).toEqual([]);
  });

  test("that never reached a worker is claimed again, after those that wait for their first chance", async () => {
    await pool.query("delete from failure_hook");
    const runs = [await acts.executing({ taskId: "with hook" }), await acts.executing({ taskId: "with hook" })];
    for (const run of runs) await acts.finish(run, "CRASHED", run, { failureHook: true });
    const [first] = await store.claimFailureHooks(1);
    await store.releaseFailureHook(first?.executionId as string, 60_000);
    const [second] = await store.claimFailureHooks(20);
    expect(second?.runId).not.toBe(first?.runId);
    expect(await store.claimFailureHooks(20)).toEqual([]);
    await pool.query("update failure_hook set due_at = now(), claimed_at = claimed_at - interval '16 minutes'");
    expect((await store.claimFailureHooks(20)).map((one) => one.runId).sort()).toEqual(
      runs.map((run) => run.runId).sort(),
    );
  });

  test("stores its log once, with the run that failed", async () => {
    const [run] = (
      await pool.query("select run_id, execution_id from failure_hook where execution_id is not null limit 1")
    ).rows;
    const event = { at: 1, kind: "log" as const, level: "info" as const, message: "mourning" };
    const ref = { executionId: run.execution_id, fence: "0" };
    expect(await store.appendEvents(ref, 0, 1, [event])).toBe(true);
    expect(await store.appendEvents(ref, 0, 1, [event])).toBe(true);
    expect((await store.events(at.environmentId, run.run_id, undefined, 10)).map((one) => one.message)).toEqual([
      "mourning",
    ]);
    expect(await store.appendEvents({ executionId: newUuid(), fence: "0" }, 0, 1, [event])).toBe(false);
  });
});
