import type { Grant } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { completion, engineFixture } from "../../test/support/engine-fixture.ts";
import { testDatabase } from "../../test/support/test-database.ts";
import { decodeId } from "../ids.ts";

const database = await testDatabase();
const { pool } = database;
const done = { kind: "completed" as const, output: "42", outputType: "application/json" };
const error = { name: "Error", message: "boom" };
const failed = { kind: "failed" as const, error, retry: { by: "policy" as const } };
const crashed = { kind: "crashed" as const, reason: "EXIT" as const, error };

const world = () => engineFixture(database);
type World = Awaited<ReturnType<typeof world>>;

/** A run that a worker with room has been granted. */
async function granted(engine: World, over: Parameters<World["trigger"]>[0] = {}) {
  const worker = await engine.worker(1);
  const run = await engine.trigger(over);
  const grant = worker.grants().at(-1) as Grant;
  expect(decodeId("run", grant.run.id)).toBe(run.id);
  return {
    worker,
    run,
    grant,
    say: (outcome: Parameters<typeof completion>[1], id?: string) =>
      engine.service.complete(worker.link, completion(grant, outcome, id)),
  };
}
const stored = (engine: World, runId: string) => engine.store.retrieve(engine.at.environmentId, runId);

describe("a worker with room", () => {
  test("is pushed the run with all it needs, and its result is the run's", async () => {
    const engine = await world();
    const { run, grant, say } = await granted(engine, { maxDurationMs: 500, tags: ["a"] });
    expect(grant).toMatchObject({
      attempt: 1,
      remainingComputeMs: 500,
      run: { taskId: "task", payload: '{"n":1}', tags: ["a"] },
      environment: { slug: "prod" },
    });
    expect(engine.launched).toEqual([]);
    expect(await say(done)).toEqual({ kind: "done", status: "COMPLETED" });
    expect(await stored(engine, run.id)).toMatchObject({
      status: "COMPLETED",
      computeMs: 5,
      attempts: [{ number: 1, outcome: "COMPLETED" }],
    });
    expect(engine.workers.assigned).toBe(0);
  });

  test("that comes late is given the run that waits for it", async () => {
    const engine = await world();
    const run = await engine.trigger();
    expect(await engine.status(run.id)).toBe("DEQUEUED");
    expect(engine.launched).toMatchObject([{ runId: run.id, taskId: "task", machine: { name: "small-1x" } }]);
    const worker = await engine.worker(1);
    await expect.poll(() => worker.grants().length).toBe(1);
    expect(await engine.status(run.id)).toBe("EXECUTING");
  });

  test("is asked for nothing that nobody waits for: room alone costs no query", async () => {
    const engine = await world();
    const worker = await engine.worker(1);
    await engine.dispatch.start(worker.link);
    let asked = 0;
    const { start } = engine.store;
    engine.store.start = (...args) => {
      asked++;
      return start(...args);
    };
    for (let n = 0; n < 10; n++) engine.service.capacity(worker.link, 1);
    expect(asked).toBe(0);
  });
});

describe("a completion that is sent again", () => {
  test("gets the verdict it was given, and counts once", async () => {
    const engine = await world();
    const { run, say } = await granted(engine);
    expect(await Promise.all([say(done, "1"), say(done, "1")])).toEqual([
      { kind: "done", status: "COMPLETED" },
      { kind: "done", status: "COMPLETED" },
    ]);
    expect(await say(done, "1")).toEqual({ kind: "done", status: "COMPLETED" });
    expect(await say(done, "2")).toEqual({ kind: "fenced" });
    expect((await stored(engine, run.id))?.attempts).toHaveLength(1);
  });

  test("gets its next attempt again, with the run as it is now", async () => {
    const engine = await world();
    const { run, say } = await granted(engine);
    const first = await say(failed, "1");
    expect(first).toMatchObject({ kind: "retryInPlace", delayMs: 100, grant: { attempt: 2 } });
    expect(await say(failed, "1")).toEqual(first);
    expect((await stored(engine, run.id))?.attempts).toHaveLength(1);
  });

  test("gets its deferral again and is not put off twice", async () => {
    const engine = await world();
    const { run, say } = await granted(engine);
    const defer = { kind: "failed" as const, error, retry: { by: "defer" as const, delayMs: 7 } };
    expect(await say(defer, "1")).toMatchObject({ kind: "retryInPlace", delayMs: 7, grant: { attempt: 1 } });
    expect(await say(defer, "1")).toMatchObject({ kind: "retryInPlace", delayMs: 7, grant: { attempt: 1 } });
    const { rows } = await pool.query("select deferrals from run where id = $1", [run.id]);
    expect(rows).toEqual([{ deferrals: 1 }]);
  });

  test("after a restart of the platform finds its next attempt", async () => {
    const engine = await world();
    const { run, worker, grant, say } = await granted(engine);
    await say(failed, "1");
    const restarted = await engineFixture(database);
    const link = { ...worker.link };
    expect(await restarted.service.complete(link, completion(grant, failed, "1"))).toMatchObject({
      kind: "retryInPlace",
      grant: { attempt: 2 },
    });
    expect((await stored(engine, run.id))?.attempts).toHaveLength(1);
  });

  test("is tried anew where the store was away the first time", async () => {
    const engine = await world();
    const { say } = await granted(engine);
    const { finish } = engine.store;
    engine.store.finish = () => Promise.reject(new Error("away"));
    await expect(say(done, "1")).rejects.toThrow("away");
    engine.store.finish = finish;
    expect(await say(done, "1")).toEqual({ kind: "done", status: "COMPLETED" });
  });
});

describe("an attempt that ends otherwise", () => {
  test("in a crash is tried again on the same worker, and the last crash is the run's", async () => {
    const engine = await world();
    const { run, worker, say } = await granted(engine, { maxAttempts: 2 });
    const verdict = await say(crashed);
    expect(verdict).toMatchObject({ kind: "retryInPlace", grant: { attempt: 2 } });
    if (verdict.kind !== "retryInPlace") throw new Error("no retry");
    expect(await engine.service.complete(worker.link, completion(verdict.grant, crashed))).toEqual({
      kind: "done",
      status: "CRASHED",
    });
    expect(await stored(engine, run.id)).toMatchObject({
      status: "CRASHED",
      error,
      attempts: [{ outcome: "CRASHED" }, { outcome: "CRASHED" }],
    });
  });

  test("with a long pause frees the worker", async () => {
    const engine = await world();
    const { run, say } = await granted(engine);
    expect(await say({ kind: "failed", error, retry: { by: "after", delayMs: 31_000 } })).toEqual({
      kind: "done",
      status: "DELAYED",
    });
    expect(await engine.status(run.id)).toBe("DELAYED");
  });

  test("given back goes to another worker at once, up to the cap", async () => {
    const engine = await world();
    const { run, say } = await granted(engine);
    expect(await say({ kind: "returned", reason: "drain" })).toEqual({ kind: "done", status: "QUEUED" });
    await pool.query("update run set platform_losses = 10 where id = $1", [run.id]);
    const other = await engine.worker(1);
    await engine.loops.admission.tick(Date.now());
    const again = other.grants().at(-1) as Grant;
    expect(await engine.service.complete(other.link, completion(again, { kind: "returned", reason: "drain" }))).toEqual(
      { kind: "done", status: "SYSTEM_FAILURE" },
    );
    expect(await stored(engine, run.id)).toMatchObject({ status: "SYSTEM_FAILURE", error: { code: "LOST_TOO_OFTEN" } });
  });

  test("of a run that is to be canceled ends it", async () => {
    const engine = await world();
    const { run, say } = await granted(engine);
    await engine.store.requestCancel(engine.at.environmentId, run.id, undefined, 35_000);
    expect(await say(failed)).toEqual({ kind: "done", status: "CANCELED" });
  });
});

describe("a worker that comes again", () => {
  test("gives back what it was sent and never got, at nobody's cost", async () => {
    const engine = await world();
    const { run, worker, grant } = await granted(engine);
    engine.service.disconnected(worker.link);
    const again = await engine.worker(0, worker.link.workerId);
    expect(again.fenced).toEqual([]);
    expect(await engine.status(run.id)).toBe("QUEUED");
    const { rows } = await pool.query("select platform_losses from run where id = $1", [run.id]);
    expect(rows).toEqual([{ platform_losses: 0 }]);
    expect(await engine.service.complete(again.link, completion(grant, done))).toEqual({ kind: "fenced" });
  });

  test("keeps what it has, and is told what is no longer its own", async () => {
    const engine = await world();
    const { run, worker, grant } = await granted(engine);
    const stale = { executionId: "0f000000-0000-4000-8000-000000000000", fence: "1" };
    const again = await engine.worker(0, worker.link.workerId, [grant, stale]);
    expect(again.fenced).toEqual([stale.executionId]);
    expect(await engine.status(run.id)).toBe("EXECUTING");
    expect(await engine.service.complete(again.link, completion(grant, done))).toEqual({
      kind: "done",
      status: "COMPLETED",
    });
  });
});

describe("an execution that is lost", () => {
  const expire = () =>
    pool.query(
      "update execution set lease_expires_at = now() - interval '1 s', start_deadline_at = start_deadline_at - interval '1 h'",
    );

  const away = (seconds: number) =>
    pool.query("update cluster_state set heartbeats_at = heartbeats_at - $1 * interval '1 s'", [seconds]);

  test("is started anew elsewhere, and its worker told to drop it", async () => {
    const engine = await world();
    const { run, grant, say } = await granted(engine);
    await engine.loops.heartbeats.tick(0);
    await expire();
    await engine.loops.lease.tick(1000);
    expect(engine.told).toContainEqual([grant.executionId, "drop"]);
    expect(await stored(engine, run.id)).toMatchObject({
      status: "QUEUED",
      attempts: [{ outcome: "LOST", error: { code: "LEASE_EXPIRED" } }],
    });
    expect(await say(done)).toEqual({ kind: "fenced" });
  });

  test("is nobody's fault after a gap of the platform's own", async () => {
    const engine = await world();
    const { run } = await granted(engine);
    await engine.loops.heartbeats.tick(0);
    await expire();
    await away(20);
    await engine.loops.lease.tick(20_000);
    await engine.loops.heartbeats.tick(20_000);
    await engine.loops.lease.tick(20_000);
    expect(await engine.status(run.id)).toBe("EXECUTING");
  });

  test("is not concluded from heartbeats that could not be stored", async () => {
    const engine = await world();
    const { run, worker, grant } = await granted(engine);
    await engine.loops.heartbeats.tick(0);
    const { heartbeat } = engine.store;
    engine.store.heartbeat = () => Promise.reject(new Error("away"));
    for (let second = 1; second <= 6; second++) {
      const beat = engine.service.heartbeat(worker.link, {
        type: "heartbeat",
        id: "b",
        executions: [{ ...grant, computeMs: 0 }],
      });
      const told = expect(beat).rejects.toThrow("away");
      await away(1);
      await expect(engine.loops.heartbeats.tick(second * 1000)).rejects.toThrow("away");
      await told;
    }
    engine.store.heartbeat = heartbeat;
    await expire();
    await engine.loops.lease.tick(7000);
    await engine.loops.heartbeats.tick(7000);
    await engine.loops.lease.tick(8000);
    expect(await engine.status(run.id)).toBe("EXECUTING");
  });
});

describe("a run that cannot be brought to a worker", () => {
  test("because launching failed is launched again until a worker comes", async () => {
    const engine = await world();
    engine.failLaunches(new Error("spawn EAGAIN"));
    const run = await engine.trigger();
    expect(engine.logged).toContain("workers could not be launched; it is tried again");
    engine.failLaunches(undefined);
    await engine.dispatch.relaunch();
    expect(engine.launched).toHaveLength(2);
    const worker = await engine.worker(1);
    await expect.poll(() => worker.grants().map((grant) => decodeId("run", grant.run.id))).toEqual([run.id]);
  });

  test("because the current version lacks its task fails with a clear error, with a worker or without", async () => {
    const engine = await world();
    const cold = await engine.trigger({ taskId: "gone" });
    await engine.worker(1);
    const warm = await engine.trigger({ taskId: "gone" });
    for (const run of [cold, warm]) {
      expect(await stored(engine, run.id)).toMatchObject({
        status: "SYSTEM_FAILURE",
        error: { code: "TASK_NOT_FOUND", message: expect.stringContaining('no task "gone"') },
      });
    }
  });

  test("because its worker went as it was admitted goes back to its place", async () => {
    const engine = await world();
    const worker = await engine.worker(1);
    const { announced, run } = await engine.insert();
    const admitted = await engine.admit(announced);
    engine.service.disconnected(worker.link);
    await engine.dispatch.admitted(engine.at.environmentId, admitted);
    expect(await engine.status(run.id)).toBe("QUEUED");
  });
});

test("two workers that come at the same moment, each for its own run, are both given it at once", async () => {
  const engine = await world();
  engine.launchEach();
  const runs = [await engine.trigger(), await engine.trigger()];
  const own = (runId: string) => engine.launched.find((request) => request.runId === runId)?.executionId;
  const workers = await Promise.all(runs.map(({ id }) => engine.worker(0, undefined, [], own(id))));
  for (const { link } of workers) engine.service.capacity(link, 1);
  for (const { grants } of workers) await expect.poll(() => grants().length).toBe(1);
});

describe("onFailure in a process of its own", () => {
  test("goes to a worker with room, with the error, and is over when it has run", async () => {
    const engine = await world();
    const { worker, run, say } = await granted(engine, { maxAttempts: 1 });
    await say(crashed);
    engine.service.capacity(worker.link, 1);
    await engine.loops.hooks.tick(0);
    const hook = worker.grants().at(-1) as Grant;
    expect(hook.run).toMatchObject({ failureHook: { status: "CRASHED", error } });
    expect(decodeId("run", hook.run.id)).toBe(run.id);
    expect(await engine.service.complete(worker.link, completion(hook, done))).toEqual({
      kind: "done",
      status: "completed",
    });
    await engine.loops.hooks.tick(0);
    expect((await pool.query("select 1 from failure_hook where run_id = $1", [run.id])).rows).toEqual([]);
    expect(await stored(engine, run.id)).toMatchObject({ status: "CRASHED", output: undefined });
  });

  test("waits for room without changing what the version may run at once", async () => {
    const engine = await world();
    const { worker, run, say } = await granted(engine, { maxAttempts: 1 });
    await say(crashed);
    await engine.loops.hooks.tick(0);
    expect(engine.launched).toMatchObject([{ runId: run.id, taskId: "task" }]);
    engine.service.capacity(worker.link, 1);
    await pool.query("update failure_hook set due_at = now()");
    await engine.loops.hooks.tick(0);
    expect(worker.grants()).toHaveLength(2);
  });

  test("goes to the worker that was launched for it as soon as that has come, whichever replica tried it last", async () => {
    const engine = await world();
    const { say } = await granted(engine, { maxAttempts: 1 });
    await say(crashed);
    engine.launchEach();
    await engine.loops.hooks.tick(0);
    const hook = engine.launched.at(-1) as { executionId: string };
    // Another replica, where this worker is not, has just put it off.
    await engine.store.releaseFailureHook(hook.executionId, 3600_000);
    const own = await engine.worker(1, undefined, [], hook.executionId);
    await engine.loops.hooks.tick(0);
    expect(own.grants()).toMatchObject([
      { executionId: hook.executionId, run: { failureHook: { status: "CRASHED" } } },
    ]);
  });

  test("that ends after a restart of the platform is over too", async () => {
    const engine = await world();
    const { worker, run, say } = await granted(engine, { maxAttempts: 1 });
    await say(crashed);
    engine.service.capacity(worker.link, 1);
    await engine.loops.hooks.tick(0);
    const hook = worker.grants().at(-1) as Grant;
    const restarted = await engineFixture(database);
    expect(await restarted.service.complete(worker.link, completion(hook, done))).toEqual({
      kind: "done",
      status: "completed",
    });
    expect((await pool.query("select 1 from failure_hook where run_id = $1", [run.id])).rows).toEqual([]);
  });
});

test("an environment that is never done lets others have their turn", async () => {
  const engine = await world();
  const { admit } = engine.store;
  let rounds = 0;
  engine.store.admit = async (environmentId, n, announced, warm) => {
    rounds++;
    engine.announcements.announce([{ environmentId, laneId: "0", orderAt: undefined }]);
    return admit(environmentId, n, announced, warm);
  };
  engine.announcements.wake(engine.at.environmentId);
  engine.announcements.announce([{ environmentId: engine.at.environmentId, laneId: "0", orderAt: undefined }]);
  const tick = engine.loops.admission.tick(0);
  engine.announcements.wake(engine.at.environmentId + 1000);
  expect(await tick).toBe(0);
  expect(rounds).toBe(5);
});
