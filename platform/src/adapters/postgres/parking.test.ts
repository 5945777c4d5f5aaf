import { beforeEach, describe, expect, test } from "vitest";
import { announced, done, journalActs, opened } from "../../../test/support/journal-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import type { AdmittedRun } from "../../runs/run-store.ts";

const { pool } = await testDatabase();
let acts: Awaited<ReturnType<typeof journalActs>>;
beforeEach(async () => {
  acts = await journalActs(pool);
});

async function execution(run: AdmittedRun) {
  const { rows } = await pool.query<{ state: string; fence: string }>(
    "select state::text, fence::text from execution where run_id = $1",
    [run.runId],
  );
  return rows[0];
}
const slots = (run: { runId: string }) => acts.count("slot where run_id = $1", run.runId);
const readyRows = (run: { runId: string }) => acts.count("ready where run_id = $1", run.runId);

describe("parking", () => {
  test("frees the slot, in either mode, and says whose lane has room", async () => {
    for (const mode of ["hold", "replay"] as const) {
      const run = await acts.executing();
      await acts.append(run, 0, opened(0, { inMs: 3_600_000 }));
      const reply = await acts.park(run, 0, mode);
      expect(reply).toMatchObject({ state: mode === "hold" ? "PARKED" : "SUSPENDED", completions: [] });
      expect(reply.announcement?.environmentId).toBe(acts.at.environmentId);
      expect(await slots(run)).toBe(0);
      expect(await acts.status(run.runId)).toBe("WAITING");
      expect((await execution(run))?.state).toBe(mode === "hold" ? "PARKED" : undefined);
    }
  });

  test("is refused while there is something that the worker does not know", async () => {
    const run = await acts.executing();
    await acts.append(run, 0, done(0), opened(1, { inMs: 3_600_000 }));
    expect(await acts.park(run, 0)).toMatchObject({ state: "RUNNING", completions: [{ entry: 0 }] });
    expect(await slots(run)).toBe(1);
    expect(await acts.park(run, 1)).toMatchObject({ state: "SUSPENDED" });
  });

  test("may be changed from holding to leaving; repeated, it stays as it is", async () => {
    const run = await acts.waiting("hold");
    expect(await acts.park(run, 0, "hold")).toMatchObject({ state: "PARKED", announcement: undefined });
    expect(await acts.park(run, 0, "replay")).toMatchObject({ state: "SUSPENDED", announcement: undefined });
    expect(await execution(run)).toBeUndefined();
    expect(await acts.status(run.runId)).toBe("WAITING");
  });

  test("of a run that was woken meanwhile changes nothing", async () => {
    const run = await acts.waiting("hold");
    await acts.fallDue(run);
    const woken = await acts.wake();
    expect(await acts.park(run, 0, "replay")).toMatchObject({ state: "PARKED" });
    expect(await acts.park(run, 1, "replay")).toMatchObject({ state: "PARKED" });
    expect(await acts.admit(announced(woken))).toMatchObject([{ runId: run.runId, resumes: true }]);
  });

  test("takes the run out of those that are queued", async () => {
    const queued = () => acts.store.countQueued(acts.at.environmentId);
    for (const mode of ["hold", "replay"] as const) {
      const run = await acts.waiting(mode);
      expect(await queued()).toBe(0);
      await acts.fallDue(run);
      const woken = announced(await acts.wake());
      expect(await queued()).toBe(1);
      await acts.admit(woken);
      expect(await queued()).toBe(0);
    }
  });

  test("counts what the process computed where it leaves", async () => {
    const run = await acts.waiting("replay");
    expect(await acts.count("run where id = $1 and compute_ms = 5", run.runId)).toBe(1);
  });

  test("says that others wait for a place once half of those allowed are held", async () => {
    const run = await acts.executing();
    await acts.append(run, 0, opened(0, { inMs: 3_600_000 }));
    const owner = acts.ownerOf(run);
    const request = {
      attempt: 1,
      known: 0,
      mode: "hold",
      reason: "HOLD_MODE",
      computeMs: 0,
      ifLost: { then: "replay" },
    } as const;
    expect(await acts.journals.park(owner, request, 3)).toMatchObject({ isPressed: false });
    expect(await acts.journals.park(owner, request, 2)).toMatchObject({ isPressed: true });
  });

  test("by an execution that is fenced is no longer its own", async () => {
    const run = await acts.executing();
    await acts.append(run, 0, opened(0, { inMs: 3_600_000 }));
    await acts.finish(run, "COMPLETED", run);
    await expect(acts.park(run, 0)).rejects.toThrow("fenced");
  });

  test("of a run that is to be canceled ends it where no worker is left to be told", async () => {
    const [gone, held] = [await acts.executing(), await acts.executing()];
    for (const [run, mode] of [
      [gone, "replay"],
      [held, "hold"],
    ] as const) {
      await acts.append(run, 0, opened(0, { inMs: 3_600_000 }));
      await acts.store.requestCancel(acts.at.environmentId, run.runId, undefined, 60_000);
      await acts.park(run, 0, mode);
    }
    expect(await acts.status(gone.runId)).toBe("CANCELED");
    expect(await acts.status(held.runId)).toBe("WAITING");
    expect((await acts.store.heartbeat([held], 15_000)).cancel).toEqual([held.executionId]);
  });
});

describe("a run that was woken", () => {
  test("goes on with its held worker: same execution, same fence, its slot again", async () => {
    const run = await acts.waiting("hold");
    const before = await execution(run);
    await acts.fallDue(run);
    const [resumed] = await acts.resume();
    expect(resumed).toMatchObject({
      runId: run.runId,
      executionId: run.executionId,
      fence: run.fence,
      resumes: true,
      attempt: 1,
    });
    expect(await execution(run)).toEqual({ ...before, state: "RUNNING" });
    expect(await slots(run)).toBe(1);
    expect(await acts.status(run.runId)).toBe("EXECUTING");
    expect(await acts.append(run, 0)).toMatchObject({ state: "RUNNING", completions: [{ entry: 0 }] });
  });

  test("is not told what it may not deliver: until it has its slot its state is PARKED", async () => {
    const run = await acts.waiting("hold");
    await acts.fallDue(run);
    await acts.wake();
    expect(await acts.append(run, 0)).toMatchObject({ state: "PARKED" });
    const news = (isParked: boolean) => acts.journals.news([{ executionId: run.executionId, known: 0, isParked }]);
    expect(await news(true)).toEqual([]);
    await acts.admit((await acts.store.strandedLanes("0", 1000)).lanes);
    expect(await news(true)).toEqual([run.executionId]);
    expect(await acts.journals.news([{ executionId: run.executionId, known: 1, isParked: false }])).toEqual([]);
  });

  test("has a new execution where it left its worker", async () => {
    const run = await acts.waiting("replay");
    await acts.fallDue(run);
    const [resumed] = await acts.resume();
    expect(resumed).toMatchObject({ runId: run.runId, resumes: false, hasJournal: true, attempt: 1 });
    expect(BigInt(resumed?.fence ?? 0)).toBeGreaterThan(BigInt(run.fence));
  });

  test("is woken once, however much wakes it", async () => {
    const run = await acts.executing();
    await acts.append(run, 0, opened(0, { inMs: 3_600_000 }), opened(1, { inMs: 3_600_000 }));
    await acts.park(run, 0);
    await acts.fallDue(run);
    await pool.query("insert into run_wake (environment_id, run_id) values ($1, $2), ($1, $2)", [
      acts.at.environmentId,
      run.runId,
    ]);
    expect(await acts.wake()).toHaveLength(1);
    expect(await readyRows(run)).toBe(1);
    await pool.query("insert into run_wake (environment_id, run_id) values ($1, $2)", [
      acts.at.environmentId,
      run.runId,
    ]);
    expect(await acts.wake()).toEqual([]);
  });

  test("by a wake that it has seen before it was parked goes on waiting", async () => {
    const run = await acts.executing();
    await acts.append(run, 0, opened(0, { inMs: 3_600_000 }));
    await acts.fallDue(run);
    expect(await acts.wake()).toMatchObject([{ executionId: run.executionId, announcement: undefined }]);
    await acts.append(run, 1, opened(1, { inMs: 3_600_000 }));
    await acts.park(run, 1);
    await pool.query("insert into run_wake (environment_id, run_id) values ($1, $2)", [
      acts.at.environmentId,
      run.runId,
    ]);
    expect(await acts.wake()).toEqual([]);
    expect(await acts.status(run.runId)).toBe("WAITING");
  });

  test("by its own code, which went on beside its wait, gets its slot for that", async () => {
    const run = await acts.waiting("hold");
    expect(await acts.append(run, 0, done(1))).toMatchObject({ state: "PARKED" });
    expect(await acts.resume()).toMatchObject([{ runId: run.runId, resumes: true }]);
    const other = await acts.waiting("hold");
    expect(await acts.append(other, 0, opened(1, { inMs: 0 }))).toMatchObject({ state: "PARKED" });
    expect(await acts.resume()).toMatchObject([{ runId: other.runId, resumes: true }]);
  });

  test.each([
    ["its queue", "hold", "queue"],
    ["its queue", "replay", "queue"],
    ["its key", "hold", "concurrencyKey"],
    ["its key", "replay", "concurrencyKey"],
  ] as const)("spends no start of a rate of %s, and does not wait for one (%s)", async (_, mode, key) => {
    const queueId = await acts.at.queue({ rate: { limit: 1, periodMs: 3_600_000, key } });
    const run = await acts.waiting(mode, { queueId });
    const { run: other, announced: others } = await acts.insert({ queueId });
    expect(await acts.admit(others)).toEqual([]);
    for (const entry of [0, 1]) {
      await acts.fallDue(run);
      const [resumed] = await acts.resume();
      expect([entry, resumed?.runId]).toEqual([entry, run.runId]);
      if (resumed === undefined) return;
      await acts.append(resumed, entry + 1, opened(entry + 1, { inMs: 3_600_000 }));
      await acts.park(resumed, entry + 1, mode);
    }
    expect(await acts.status(other.id)).toBe("QUEUED");
  });
});

describe("the held workers of an environment", () => {
  test("bound the runs that start: beyond it only children and resumed runs do", async () => {
    await pool.query(`update environment set limits = '{"maxHeld": 1}' where id = $1`, [acts.at.environmentId]);
    const held = await acts.waiting("hold");
    const { run: root, announced: first } = await acts.insert();
    const { run: child, announced: second } = await acts.insert({ parentRunId: held.runId });
    expect((await acts.admit([...first, ...second])).map(({ runId }) => runId)).toEqual([child.id]);
    const facts = await acts.store.explainFacts(acts.at.environmentId, root.id);
    expect(facts?.heldLimit).toEqual({ held: 1, limit: 1 });
    const waiting = await acts.store.explainFacts(acts.at.environmentId, held.runId);
    expect(waiting?.checkpoint).toMatchObject({ mode: "hold", reason: "HOLD_MODE" });
    expect(waiting?.waits).toMatchObject([{ entry: 0, kind: "time" }]);
    await acts.fallDue(held);
    expect((await acts.resume()).map(({ runId }) => runId)).toEqual([held.runId]);
    // Its lane has its next turn a second later, whoever announces it.
    await pool.query("update turn set served_at = now() where environment_id = $1", [acts.at.environmentId]);
    expect((await acts.admit()).map(({ runId }) => runId)).toEqual([root.id]);
  });

  test("are children of an index of their own: a million roots before them cost nothing", async () => {
    await pool.query(`update environment set limits = '{"maxHeld": 1}' where id = $1`, [acts.at.environmentId]);
    await acts.waiting("hold");
    const { announced: lane } = await acts.insert();
    const laneId = lane[0]?.laneId as string;
    await pool.query(
      `insert into ready (lane_id, order_at, run_id, is_root)
       select $1, now() - interval '1 hour' + n * interval '1 ms', gen_random_uuid(), true from generate_series(1, 20000) n`,
      [laneId],
    );
    await pool.query("analyze ready");
    const { run: child, announced: news } = await acts.insert({ parentRunId: acts.at.deploymentId });
    const buffers = async (statement: string) => {
      const { rows } = await pool.query<{ "QUERY PLAN": [{ Plan: Record<string, number> }] }>(
        `explain (analyze, buffers, format json) ${statement}`,
      );
      const plan = rows[0]?.["QUERY PLAN"][0].Plan ?? {};
      return (plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0);
    };
    const cost = await buffers(
      `select * from admit_runs(${acts.at.environmentId}, 10, '{${laneId}}', '{${news[0]?.orderAt}}', '{}', 1000, 1000)`,
    );
    expect(await acts.status(child.id)).toBe("DEQUEUED");
    expect(cost).toBeLessThan(400);
  });

  test("are not given up by the release before this one: it starts what is new, and leaves the rest", async () => {
    const run = await acts.waiting("hold");
    await acts.fallDue(run);
    const woken = announced(await acts.wake());
    const { run: other, announced: news } = await acts.insert();
    const lanes = [...woken, ...news];
    const old = await pool.query<{ run_id: string }>(
      "select run_id from admit($1, 10, $2::bigint[], $3::timestamptz[], '{}', 1000, 1000)",
      [acts.at.environmentId, lanes.map(({ laneId }) => laneId), lanes.map(({ orderAt }) => orderAt)],
    );
    expect(old.rows).toEqual([{ run_id: other.id }]);
    await pool.query("update turn set served_at = now() where environment_id = $1", [acts.at.environmentId]);
    expect((await acts.admit()).map(({ runId }) => runId)).toEqual([run.runId]);
  });
});

describe("a held worker whose run has its slot again", () => {
  const heldAs = async (run: AdmittedRun) => (await acts.store.runForDecision(acts.at.environmentId, run))?.held;
  const resumed = async () => {
    const run = await acts.waiting("hold");
    await acts.fallDue(run);
    await acts.resume();
    expect(await acts.status(run.runId)).toBe("EXECUTING");
    return run;
  };

  test.each<[string, (run: AdmittedRun) => Promise<unknown>]>([
    ["what it asks", (run) => acts.append(run, 0)],
    ["what it has done meanwhile", (run) => acts.append(run, 0, done(1))],
    ["what it has begun meanwhile", (run) => acts.append(run, 0, opened(1, { inMs: 3_600_000 }))],
    ["a wish to wait on", (run) => acts.park(run, 0)],
  ])("counts as held until it is told to go on, in answer to %s", async (_, ask) => {
    const run = await resumed();
    expect(await heldAs(run)).toEqual({ then: "fail", because: "fetch (task.ts:3)", hasSlot: true });
    expect(await ask(run)).toMatchObject({ state: "RUNNING" });
    expect(await heldAs(run)).toBeUndefined();
  });

  test("counts as held by its next wait once it waits again", async () => {
    const run = await resumed();
    await acts.append(run, 0, opened(1, { inMs: 3_600_000 }));
    await acts.park(run, 1, "hold", { ifLost: { then: "replay" } });
    expect(await heldAs(run)).toEqual({ then: "replay", hasSlot: false });
    await acts.fallDue(run);
    await acts.resume();
    expect(await heldAs(run)).toEqual({ then: "replay", hasSlot: true });
  });

  test("which is lost is put back where nothing would be repeated", async () => {
    const run = await resumed();
    expect(await acts.requeue(run)).toMatchObject({ status: "QUEUED" });
    expect(await slots(run)).toBe(0);
    expect(await acts.append(run, 0).catch(String)).toContain("fenced");
  });
});

describe("a held worker that is lost", () => {
  const suspend = (run: AdmittedRun) =>
    acts.store.suspendLost({ ...run, environmentId: acts.at.environmentId, runId: run.runId });

  test("is found by its lease, and its policy with it", async () => {
    const run = await acts.waiting("hold");
    await acts.store.receiving(1000, 15_000);
    await pool.query("update execution set lease_expires_at = now() - interval '1 second' where id = $1", [
      run.executionId,
    ]);
    const lost = await acts.store.lostExecutions(1000, 60_000);
    expect(lost.find(({ runId }) => runId === run.runId)).toMatchObject({ why: "LEASE_EXPIRED" });
    const decision = await acts.store.runForDecision(acts.at.environmentId, run);
    expect(decision?.held).toEqual({ then: "fail", because: "fetch (task.ts:3)", hasSlot: false });
  });

  test("leaves its run waiting, on no worker", async () => {
    const run = await acts.waiting("hold");
    expect(await suspend(run)).toBeUndefined();
    expect(await acts.status(run.runId)).toBe("WAITING");
    expect(await suspend(run)).toBe("fenced");
    await acts.fallDue(run);
    expect(await acts.resume()).toMatchObject([{ runId: run.runId, resumes: false, hasJournal: true }]);
  });

  test("leaves its run queued where it was woken, for another worker", async () => {
    const run = await acts.waiting("hold");
    await acts.fallDue(run);
    await acts.wake();
    const announcement = await suspend(run);
    if (announcement === undefined || announcement === "fenced") throw new Error("it was queued");
    expect(await acts.admit([announcement])).toMatchObject([{ runId: run.runId, resumes: false }]);
  });

  test("ends its run where that is to be canceled", async () => {
    for (const isWoken of [false, true]) {
      const run = await acts.waiting("hold");
      if (isWoken) {
        await acts.fallDue(run);
        await acts.wake();
      }
      await acts.store.requestCancel(acts.at.environmentId, run.runId, undefined, 60_000);
      expect(await suspend(run)).toBeUndefined();
      expect(await acts.status(run.runId)).toBe("CANCELED");
      expect(await readyRows(run)).toBe(0);
    }
  });

  test.each([
    ["waiting", false, false],
    ["woken", true, false],
    ["resumed", true, true],
  ])("may end its run, or have it start anew, while it is %s", async (_, isWoken, isResumed) => {
    for (const what of ["finish", "requeue"] as const) {
      const run = await acts.waiting("hold");
      if (isWoken) await acts.fallDue(run);
      const woken = announced(await acts.wake());
      if (isResumed) await acts.admit(woken);
      if (what === "finish") {
        expect(await acts.finish(run, "SYSTEM_FAILURE", run, { mayBeHeld: true })).toBe(true);
        expect(await acts.status(run.runId)).toBe("SYSTEM_FAILURE");
      } else {
        expect(await acts.requeue(run)).toMatchObject({ status: "QUEUED" });
        expect(await acts.status(run.runId)).toBe("QUEUED");
        expect(await acts.count("run_journal where run_id = $1 and waits_after is not null", run.runId)).toBe(0);
      }
      expect([await slots(run), await readyRows(run), await execution(run)]).toEqual([
        0,
        what === "finish" ? 0 : 1,
        undefined,
      ]);
    }
  });

  test("whose end meets its resume leaves no slot behind", async () => {
    for (let round = 0; round < 20; round++) {
      acts = await journalActs(pool);
      const run = await acts.waiting("hold");
      await acts.fallDue(run);
      const woken = announced(await acts.wake());
      const end = round % 2 === 0 ? acts.finish(run, "CANCELED", run, { mayBeHeld: true }) : suspend(run);
      const [, admitted] = await Promise.all([end, acts.admit(woken)]);
      const status = await acts.status(run.runId);
      const isExecuting = status === "EXECUTING";
      expect([round, status, await slots(run)]).toEqual([round, status, isExecuting ? 1 : 0]);
      if (status === "QUEUED") expect(await readyRows(run)).toBe(1);
      expect(admitted.length).toBeLessThanOrEqual(1);
    }
  });

  test("ends where its run waits and is canceled", async () => {
    const run = await acts.waiting("replay");
    expect(await acts.finish(run, "CANCELED")).toBe(true);
    expect(await acts.status(run.runId)).toBe("CANCELED");
  });
});

describe("the next attempt", () => {
  test.each(["in place", "later"])("made %s takes back the entries that it makes anew, and no others", async (how) => {
    const run = await acts.executing();
    await acts.append(run, 0, done(0), done(1, { ok: false }), opened(2, { inMs: 0 }));
    if (how === "in place") await acts.retryInPlace(run, { reopen: [1, 7] });
    else await acts.requeue(run, { reopen: [1, 7], lost: false, nextAttempt: 2 });
    const journal = await acts.journals.load(acts.at.environmentId, run.runId);
    expect(journal?.entries.map(({ entry }) => entry)).toEqual([0, 2]);
    expect(await acts.count("run_journal where run_id = $1 and entries = 2", run.runId)).toBe(1);
    if (how === "in place") {
      await acts.append(run, 3, done(1));
      // A resent completion takes nothing that the new attempt has made.
      expect(await acts.retryInPlace(run, { reopen: [1] })).toMatchObject({ attempt: 2 });
      expect(await acts.count("journal_entry where run_id = $1", run.runId)).toBe(3);
    }
  });
});

describe("a journal whose run has ended", () => {
  test("moves to history, and is seen there as before", async () => {
    const run = await acts.executing();
    await acts.append(run, 0, done(0), opened(1, { inMs: 3_600_000 }));
    const view = () => acts.journals.view(acts.at.environmentId, run.runId, 0, 100);
    const before = await view();
    expect(before?.map(({ entry, ok }) => [entry, ok])).toEqual([
      [0, true],
      [1, undefined],
    ]);
    await acts.finish(run, "CANCELED", run);
    expect(await view()).toEqual(before);
    expect(await acts.journals.archive(1000)).toBeGreaterThan(0);
    expect(await view()).toEqual(before);
    expect(await acts.journals.view(acts.at.environmentId, run.runId, 1, 1)).toHaveLength(1);
    for (const table of ["journal_entry", "run_journal"])
      expect(await acts.count(`${table} where run_id = $1`, run.runId)).toBe(0);
    expect(await acts.journals.view(acts.at.environmentId, acts.at.deploymentId, 0, 1)).toBeUndefined();
    const plain = await acts.executing();
    expect(await acts.journals.view(acts.at.environmentId, plain.runId, 0, 1)).toEqual([]);
  });
});
