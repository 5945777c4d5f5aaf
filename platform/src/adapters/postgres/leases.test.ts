import { describe, expect, test } from "vitest";
import { nobody, storeActs } from "../../../test/support/store-acts.ts";
import { storeOn } from "../../../test/support/store-fixture.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { inTransaction } from "./transaction.ts";

const { pool } = await testDatabase();
// No lease passes by itself, however long the tests take.
const acts = await storeActs(pool, storeOn(pool, { leaseTtlMs: 600_000, startDeadlineMs: 600_000 }));
const { at, store } = acts;
const expire = (executionId: string) =>
  pool.query(
    "update execution set lease_expires_at = now() - interval '1 s', start_deadline_at = start_deadline_at - interval '1 hour' where id = $1",
    [executionId],
  );
/** A second in which heartbeats are stored. */
const receive = () => store.receiving(60_000, 60_000);
await receive();
const lost = async () => (await store.lostExecutions(100, 60_000)).map((one) => `${one.executionId} ${one.why}`);

describe("heartbeats", () => {
  test("extend leases, and say which executions are stale and which are to be canceled", async () => {
    const [fine, canceled] = [await acts.executing(), await acts.executing()];
    await store.requestCancel(at.environmentId, canceled.runId, undefined, 35_000);
    await expire(fine.executionId);
    const answer = await store.heartbeat([fine, canceled, nobody(), { ...fine, fence: "12" }], 60_000);
    expect(new Set(answer.alive)).toEqual(new Set([fine.executionId, canceled.executionId]));
    expect(answer.cancel).toEqual([canceled.executionId]);
    expect(await lost()).toEqual([]);
  });

  test("of one worker's nonsense cost no other its lease", async () => {
    const run = await acts.executing();
    const nonsense = [
      { executionId: "'; drop table run", fence: "1" },
      { ...nobody(), fence: "x" },
      { ...nobody(), fence: "9".repeat(30) },
    ];
    expect((await store.heartbeat([...nonsense, run], 60_000)).alive).toEqual([run.executionId]);
  });

  test("wait for nobody: a row that is being written counts as alive and is extended the next time", async () => {
    const [locked, free] = [await acts.executing(), await acts.executing()];
    await expire(free.executionId);
    await inTransaction(pool, async (client) => {
      await client.query("select 1 from execution where id = $1 for update", [locked.executionId]);
      expect((await store.heartbeat([locked, free], 60_000)).alive.sort()).toEqual(
        [locked.executionId, free.executionId].sort(),
      );
    });
    expect(await lost()).toEqual([]);
  });
});

describe("a lost execution", () => {
  test("is one whose lease has passed, or for which no worker came in time", async () => {
    const [run, waiting] = [await acts.executing(), await acts.dequeued()];
    expect(await lost()).toEqual([]);
    await expire(run.executionId);
    await expire(waiting.executionId);
    expect((await lost()).sort()).toEqual(
      [`${run.executionId} LEASE_EXPIRED`, `${waiting.executionId} START_DEADLINE`].sort(),
    );
    await receive();
    expect(await lost()).toHaveLength(2);
  });

  test("is nobody's fault while no replica receives heartbeats, and after that all have their full time again", async () => {
    const [run, waiting] = [await acts.executing(), await acts.dequeued()];
    await expire(run.executionId);
    await expire(waiting.executionId);
    await pool.query("update cluster_state set heartbeats_at = now() - interval '61 s'");
    expect(await lost()).toEqual([]);
    await Promise.all([receive(), receive(), receive()]);
    expect(await lost()).toEqual([]);
    await expire(run.executionId);
    expect(await lost()).toEqual([`${run.executionId} LEASE_EXPIRED`]);
    await receive();
    expect(await lost()).toHaveLength(1);
  });

  test("that ended meanwhile is nobody's", async () => {
    const run = await acts.executing();
    await expire(run.executionId);
    const all = await store.lostExecutions(100, 60_000);
    const found = all.find((one) => one.executionId === run.executionId) ?? nobody();
    await acts.finish(run, "COMPLETED", run);
    expect(await store.runForDecision(at.environmentId, found)).toBeUndefined();
    expect(await acts.requeue(run)).toBe("fenced");
  });
});

describe("executions that wait for a worker", () => {
  const worker = { workerId: "w1", environmentId: at.environmentId, deploymentId: at.deploymentId };

  test("are known by version, one for each, and go to the worker that comes", async () => {
    await pool.query("delete from execution where state = 'STARTING'");
    const runs = [await acts.dequeued(), await acts.dequeued()];
    expect(await store.awaitedExecutions("onePerVersion")).toMatchObject([
      { deploymentId: at.deploymentId, taskId: "task" },
    ]);
    const [first, ...none] = await store.start(worker, 1);
    expect(none).toEqual([]);
    expect(first).toMatchObject({ direct: true, attempt: 1 });
    expect(await acts.status(first?.runId as string)).toBe("EXECUTING");
    const rest = await store.start(worker, 10);
    expect([first, ...rest].map((one) => one?.runId).sort()).toEqual(runs.map((one) => one.runId).sort());
    expect(await store.awaitedExecutions("onePerVersion")).toEqual([]);
  });

  test("go to one of the workers that come at once", async () => {
    const runs = [];
    for (let n = 0; n < 10; n++) runs.push(await acts.dequeued());
    const given = (await Promise.all([1, 2, 3, 4].map((n) => store.start({ ...worker, workerId: `w${n}` }, 4)))).flat();
    given.push(...(await store.start(worker, 10)));
    expect(given.map((one) => one.runId).sort()).toEqual(runs.map((one) => one.runId).sort());
  });

  test("go to the worker that was launched for them, and no other", async () => {
    const [mine, other] = [await acts.dequeued(), await acts.dequeued()];
    expect((await store.start({ ...worker, executionId: mine.executionId }, 10)).map((one) => one.runId)).toEqual([
      mine.runId,
    ]);
    expect(await acts.status(other.runId)).toBe("DEQUEUED");
  });

  test("that have passed their deadline start no more", async () => {
    const run = await acts.dequeued();
    await expire(run.executionId);
    expect((await store.start(worker, 10)).map((one) => one.runId)).not.toContain(run.runId);
  });
});
