import { describe, expect, test } from "vitest";
import { engineFixture } from "../../test/support/engine-fixture.ts";
import { testDatabase } from "../../test/support/test-database.ts";
import { encodeId } from "../ids.ts";

const database = await testDatabase();
const engine = await engineFixture(database);
const { store, at, observations } = engine;
engine.launchEach();
await engine.declare("hungry", { filePath: "task.ts", retry: { outOfMemory: { machine: "medium-1x" } } });

const explained = async (runId: string) => store.explainFacts(at.environmentId, runId);
const executionOf = (runId: string) =>
  engine.launched.findLast((request) => request.runId === runId)?.executionId as string;
const detail = async (runId: string) => store.retrieve(at.environmentId, runId);

/** A run whose worker was launched; with `started`, its worker came and has it. */
async function launched(started = false, over: { taskId?: string } = {}) {
  const run = await engine.trigger({ maxAttempts: 3, ...over });
  const executionId = executionOf(run.id);
  if (started) {
    const worker = await engine.worker(1, undefined, [], executionId);
    await expect.poll(() => worker.grants().length).toBe(1);
  }
  return { run, executionId };
}

describe("a worker that does not come", () => {
  test("is explained on the run, once for each reason, while the run waits on", async () => {
    const { run, executionId } = await launched();
    const wait = { then: "wait", code: "UNSCHEDULABLE", message: "0/1 nodes are available" } as const;
    await observations.observed(executionId, wait);
    await observations.observed(executionId, wait);
    expect(await engine.status(run.id)).toBe("DEQUEUED");
    expect((await explained(run.id))?.hold).toMatchObject({ code: "UNSCHEDULABLE", message: wait.message });
    const events = await store.events(at.environmentId, run.id, undefined, 100);
    expect(events.map((event) => event.message)).toEqual(["UNSCHEDULABLE: 0/1 nodes are available"]);
  });

  test("puts its run back for longer and longer pauses, and costs it neither an attempt nor a loss", async () => {
    const { run } = await launched();
    const pauses: number[] = [];
    for (let round = 0; round < 3; round++) {
      await observations.observed(executionOf(run.id), { then: "requeue", code: "QUOTA_EXCEEDED", message: "used up" });
      expect(await engine.status(run.id)).toBe("DELAYED");
      // By the database's clock alone: how long a look at it takes is not part of a pause.
      const { rows } = await database.pool.query<{ ms: number }>(
        "select (extract(epoch from delay_until - updated_at) * 1000)::float8 as ms from run where id = $1",
        [run.id],
      );
      pauses.push(rows[0]?.ms ?? 0);
      await store.reschedule(at.environmentId, run.id, new Date());
      engine.announcements.announce(await store.enqueueDue(100));
      await engine.loops.admission.tick(Date.now());
    }
    expect(pauses[1]).toBeGreaterThan((pauses[0] as number) * 1.5);
    expect(pauses[2]).toBeGreaterThan((pauses[1] as number) * 1.5);
    const worker = await engine.worker(1, undefined, [], executionOf(run.id));
    await expect.poll(() => worker.grants().length).toBe(1);
    expect(worker.grants()[0]).toMatchObject({ attempt: 1, run: { id: encodeId("run", run.id) } });
    expect(await detail(run.id)).toMatchObject({ attempts: [] });
    expect((await explained(run.id))?.hold).toBeUndefined();
  });

  test("ends its run as a failure of the system where none can ever come", async () => {
    const { run, executionId } = await launched();
    await observations.observed(executionId, { then: "fail", code: "NO_NODE_LARGE_ENOUGH", message: "too large" });
    expect(await detail(run.id)).toMatchObject({
      status: "SYSTEM_FAILURE",
      error: { code: "NO_NODE_LARGE_ENOUGH", message: "too large" },
    });
    expect(engine.abandoned).toContain(executionId);
  });

  test("that crashes before any user code ran is a loss, not the task's failure", async () => {
    const { run, executionId } = await launched();
    await observations.observed(executionId, { then: "crash", code: "POD_EXITED", message: "exit 1", exitCode: 1 });
    expect(await detail(run.id)).toMatchObject({ attempts: [{ outcome: "LOST", error: { code: "POD_EXITED" } }] });
    expect(await engine.status(run.id)).toBe("DELAYED");
  });
});

describe("a worker that is gone", () => {
  test("gives its run a new execution without spending a retry", async () => {
    const { run, executionId } = await launched(true);
    await observations.observed(executionId, { then: "lose", code: "POD_DELETED", message: "deleted" });
    await observations.observed(executionId, { then: "lose", code: "POD_DELETED", message: "deleted" });
    await engine.loops.admission.tick(Date.now());
    expect(await engine.status(run.id)).toBe("DEQUEUED");
    expect(executionOf(run.id)).not.toBe(executionId);
    expect(engine.launched.findLast((request) => request.runId === run.id)?.attempt).toBe(1);
    expect((await detail(run.id))?.attempts).toHaveLength(1);
  });

  test("by memory crashes its run, or moves it to the larger machine that its task names", async () => {
    const oom = { then: "crash", code: "OOM_KILLED", message: "the kernel ended it" } as const;
    const plain = await launched(true);
    await observations.observed(plain.executionId, oom);
    expect(await detail(plain.run.id)).toMatchObject({ status: "CRASHED", error: { code: "OOM_KILLED" } });

    const hungry = await launched(true, { taskId: "hungry" });
    await observations.observed(hungry.executionId, oom);
    await engine.loops.admission.tick(Date.now());
    expect(engine.launched.at(-1)).toMatchObject({
      runId: hungry.run.id,
      attempt: 2,
      machine: { name: "medium-1x", memory: 2 },
    });
  });

  test("by its own exit leaves the next attempt to the retry policy, in another worker", async () => {
    const { run, executionId } = await launched(true);
    await observations.observed(executionId, { then: "crash", code: "POD_EXITED", message: "exit 3", exitCode: 3 });
    expect(await engine.status(run.id)).toBe("DELAYED");
    expect(await detail(run.id)).toMatchObject({ attempts: [{ outcome: "CRASHED", error: { code: "POD_EXITED" } }] });
  });
});

describe("what was seen too late", () => {
  test("changes nothing", async () => {
    const { run, executionId } = await launched();
    await observations.observed(executionId, { then: "requeue", code: "ADMISSION_DENIED", message: "no" });
    const revision = (await detail(run.id))?.status;
    for (const then of ["wait", "requeue", "fail", "lose"] as const)
      await observations.observed(executionId, { then, code: "NODE_LOST", message: "late" });
    await observations.observed("nonsense", { then: "fail", code: "NODE_LOST", message: "late" });
    expect((await detail(run.id))?.status).toBe(revision);
    expect(await observations.liveAmong([executionId, "nonsense"])).toEqual(new Set());
  });
});

describe("a run that is canceled before its worker has come", () => {
  test("ends at once, and its worker is not needed", async () => {
    const { run, executionId } = await launched();
    const finished = await store.finish([
      {
        environmentId: at.environmentId,
        runId: run.id,
        execution: (await store.liveExecution(at.environmentId, run.id)) as never,
        status: "CANCELED",
        onlyStarting: true,
      },
    ]);
    expect(finished).toHaveLength(1);
    expect(await observations.liveAmong([executionId])).toEqual(new Set());
  });
});
