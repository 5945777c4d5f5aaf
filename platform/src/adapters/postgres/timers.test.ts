import { describe, expect, test, vi } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import { timerLoop } from "../../loops/timer-loop.ts";
import { Announcements } from "../../runs/announcements.ts";

const { pool } = await testDatabase();
const acts = await storeActs(pool);
const { at, store } = acts;
const tellWorker = vi.fn();
const announcements = new Announcements(() => {});
const loop = timerLoop({ store, announcements, tellWorker });
const inMs = (ms: number) => new Date(Date.now() + ms);
const timersOf = async (runId: string) =>
  (
    await pool.query<{ kind: string }>("select kind::text from run_timer where run_id = $1 order by due_at", [runId])
  ).rows.map((row) => row.kind);

describe("a delayed run", () => {
  test("is queued when it is due, not before, and announced", async () => {
    const { run: later } = await acts.insert({ status: "DELAYED", delayUntil: inMs(60_000) });
    const { run: due } = await acts.insert({ status: "DELAYED", delayUntil: inMs(-1) });
    await loop.tick(0);
    expect([await acts.status(later.id), await acts.status(due.id)]).toEqual(["DELAYED", "QUEUED"]);
    const admitted = await acts.admit(announcements.take(at.environmentId, 100));
    expect(admitted.map((one) => one.runId)).toEqual([due.id]);
  });

  test("is queued once by many platforms", async () => {
    const runs = await Promise.all(
      Array.from({ length: 20 }, () => acts.insert({ status: "DELAYED", delayUntil: inMs(-1) })),
    );
    const announced = (await Promise.all([1, 2, 3].map(() => store.enqueueDue(7)))).flat();
    announced.push(...(await store.enqueueDue(100)));
    expect(announced).toHaveLength(20);
    const { rows } = await pool.query("select 1 from ready where run_id = any ($1)", [runs.map(({ run }) => run.id)]);
    expect(rows).toHaveLength(20);
    await acts.admit(announced);
  });

  test("that was put off waits for its new time alone", async () => {
    const { run } = await acts.insert({ status: "DELAYED", delayUntil: inMs(-1), ttlMs: 500 });
    expect(await store.reschedule(at.environmentId, run.id, inMs(60_000))).toBe("done");
    expect(await timersOf(run.id)).toEqual(["delay", "ttl"]);
    await loop.tick(0);
    expect(await acts.status(run.id)).toBe("DELAYED");
    expect(await store.reschedule(at.environmentId, run.id, inMs(-1))).toBe("done");
    await store.enqueueDue(100);
    expect(await acts.status(run.id)).toBe("QUEUED");
    await loop.tick(0);
  });

  test("can be put off only while it is delayed", async () => {
    const run = await acts.executing();
    expect(await store.reschedule(at.environmentId, run.runId, inMs(1))).toBe("notDelayed");
    expect(await store.reschedule(at.environmentId, newUuid(), inMs(1))).toBe("unknown");
  });

  test("says when the next is due", async () => {
    await pool.query("delete from run_timer");
    expect(await store.nextTimerInMs()).toBeUndefined();
    await acts.insert({ status: "DELAYED", delayUntil: inMs(31_000) });
    const ms = await loop.tick(0);
    expect(ms).toBeGreaterThan(29_000);
    expect(ms).toBeLessThanOrEqual(31_500);
  });
});

describe("a time to live", () => {
  test("expires a queued run, with the reason", async () => {
    const { run } = await acts.insert({ ttlMs: 0 });
    await loop.tick(0);
    expect(await store.retrieve(at.environmentId, run.id)).toMatchObject({
      status: "EXPIRED",
      error: { code: "TTL_EXPIRED" },
    });
    expect(await timersOf(run.id)).toEqual([]);
  });

  test("begins when a delayed run is due", async () => {
    const { run } = await acts.insert({ status: "DELAYED", delayUntil: inMs(60_000), ttlMs: 0 });
    await loop.tick(0);
    expect(await acts.status(run.id)).toBe("DELAYED");
  });

  test("is over when the run has started", async () => {
    const run = await acts.executing({ ttlMs: 1 });
    await pool.query("update run_timer set due_at = now() where run_id = $1", [run.runId]);
    await loop.tick(0);
    expect(await acts.status(run.runId)).toBe("EXECUTING");
    await acts.requeue(run, { delayMs: 60_000 });
    expect(await timersOf(run.runId)).toEqual(["delay"]);
  });
});

describe("a run without a version", () => {
  test("expires after its time, with the reason", async () => {
    const { run } = await acts.insert({ status: "PENDING_VERSION", requestedVersion: "20991231.1" });
    await pool.query("update run_timer set due_at = now() where run_id = $1", [run.id]);
    await loop.tick(0);
    expect(await store.retrieve(at.environmentId, run.id)).toMatchObject({
      status: "EXPIRED",
      error: { code: "VERSION_NOT_DEPLOYED" },
    });
  });

  test("that got its version does not expire for want of one, however long it is queued", async () => {
    const { run } = await acts.insert({ status: "PENDING_VERSION" });
    await store.releasePendingVersions(at.environmentId, 100);
    await pool.query("update run_timer set due_at = now() where run_id = $1", [run.id]);
    await loop.tick(0);
    expect(await acts.status(run.id)).toBe("QUEUED");
  });

  test("is released in slices, in its delay where it has one, and locked to the version it named", async () => {
    const own = await storeActs(pool);
    await pool.query(
      "insert into deployment (id, environment_id, version, status, manifest, source) values ($1, $2, '20990101.1', 'DEPLOYED', '{}', '{}')",
      [newUuid(), own.at.environmentId],
    );
    const { run: any } = await own.insert({ status: "PENDING_VERSION" });
    const { run: named } = await own.insert({ status: "PENDING_VERSION", requestedVersion: "20990101.1" });
    const { run: delayed } = await own.insert({ status: "PENDING_VERSION", delayUntil: inMs(60_000) });
    const { run: other } = await own.insert({ status: "PENDING_VERSION", requestedVersion: "20990101.2" });
    expect(await store.releasableEnvironments()).toContain(own.at.environmentId);
    let released = 0;
    const announced = [];
    for (let round = 0; round < 4; round++) {
      const slice = await store.releasePendingVersions(own.at.environmentId, 1);
      released += slice.released;
      announced.push(...slice.announcements);
    }
    expect(released).toBe(3);
    expect(await Promise.all([any, named, delayed, other].map((run) => own.status(run.id)))).toEqual([
      "QUEUED",
      "QUEUED",
      "DELAYED",
      "PENDING_VERSION",
    ]);
    expect(await store.releasableEnvironments()).not.toContain(own.at.environmentId);
    const { rows } = await pool.query("select id from run where deployment_id is not null and environment_id = $1", [
      own.at.environmentId,
    ]);
    expect(rows).toEqual([{ id: named.id }]);
    expect(await own.admit(announced)).toHaveLength(2);
  });

  test("goes to the queue its task declares, unless it named one", async () => {
    const own = await storeActs(pool);
    const declared = await own.at.queue({ limit: 1 });
    const { rows } = await pool.query<{ id: number }>(
      "insert into queue (environment_id, name, kind) values ($1, 'task/mail', 'task') returning id",
      [own.at.environmentId],
    );
    await pool.query(
      "insert into task_definition (deployment_id, task_id, queue_id, declaration) values ($1, 'mail', $2, '{}')",
      [own.at.deploymentId, declared],
    );
    const { run: unnamed } = await own.insert({
      status: "PENDING_VERSION",
      taskId: "mail",
      queueId: rows[0]?.id as number,
    });
    const { run: named } = await own.insert({ status: "PENDING_VERSION", taskId: "mail" });
    await store.releasePendingVersions(own.at.environmentId, 100);
    const queueOf = async (id: string) =>
      (await pool.query("select queue_id from run where id = $1", [id])).rows[0]?.queue_id;
    expect([await queueOf(unnamed.id), await queueOf(named.id)]).toEqual([declared, own.queueId]);
  });
});

describe("a cancel that nobody heeds", () => {
  const due = async (runId: string) => {
    await store.requestCancel(at.environmentId, runId, undefined, 35_000);
    await pool.query("update run_timer set due_at = now() where run_id = $1", [runId]);
    tellWorker.mockClear();
    await loop.tick(0);
  };

  test("is forced, and the worker told to drop the run", async () => {
    const run = await acts.executing();
    await due(run.runId);
    expect(await acts.status(run.runId)).toBe("CANCELED");
    expect(tellWorker).toHaveBeenCalledWith(run.executionId, "drop", "canceled");
  });

  test("is forced where the run was put back meanwhile", async () => {
    const { run } = await acts.insert({ status: "DELAYED", delayUntil: inMs(3600_000) });
    await due(run.id);
    expect(await acts.status(run.id)).toBe("CANCELED");
    expect(tellWorker).not.toHaveBeenCalled();
  });
});
