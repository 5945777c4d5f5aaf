import { randomBytes } from "node:crypto";
import type { StoredCheckpoint } from "@gantry/sdk/contract";
import { beforeEach, describe, expect, test } from "vitest";
import { CHECKPOINT_SECRETS, checkpointActs, FEATURES } from "../../../test/support/checkpoint-acts.ts";
import { announced, done, opened } from "../../../test/support/journal-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import type { LaneAnnouncement } from "../../runs/run-store.ts";
import { createPostgresJournalStore } from "./postgres-journal-store.ts";
import { createUpkeep } from "./upkeep.ts";

const { pool } = await testDatabase();
let acts: Awaited<ReturnType<typeof checkpointActs>>;
beforeEach(async () => {
  acts = await checkpointActs(pool);
});

const lanesOf = (put: { announcement: LaneAnnouncement } | "fenced") => (put === "fenced" ? [] : [put.announcement]);

describe("a process that is stored", () => {
  test("counts from its park on: its execution and its slot are gone, and its run waits", async () => {
    const run = await acts.idle();
    const { stored } = await acts.staged(run);
    expect(await acts.stateOf(stored.checkpointId)).toBe("staged");
    const reply = await acts.parkStored(run, stored);
    expect(reply).toMatchObject({ state: "SUSPENDED", completions: [], runId: run.runId });
    expect(reply.announcement?.environmentId).toBe(acts.at.environmentId);
    expect(await acts.status(run.runId)).toBe("WAITING");
    expect(await acts.count("slot where run_id = $1", run.runId)).toBe(0);
    expect(await acts.count("execution where run_id = $1", run.runId)).toBe(0);
    expect(await acts.count("run where id = $1 and compute_ms = 5", run.runId)).toBe(1);
    expect(await acts.referred(run)).toBe(stored.checkpointId);
    expect(await acts.stateOf(stored.checkpointId)).toBe("stored");
  });

  test("is stored from a worker that was held as well, and its run says so and since when", async () => {
    const run = await acts.waiting("hold");
    const { stored } = await acts.staged(run);
    expect(await acts.parkStored(run, stored)).toMatchObject({ state: "SUSPENDED", announcement: undefined });
    const facts = await acts.store.explainFacts(acts.at.environmentId, run.runId);
    expect(facts?.checkpoint).toMatchObject({ mode: "process", reason: "PROCESS_MODE" });
    const at = (facts?.checkpoint as { at?: string } | undefined)?.at ?? "";
    expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(60_000);
  });

  test("is seen by its run, until it goes on", async () => {
    const { run, stored } = await acts.suspended();
    const view = () => acts.checkpoints.ofRun(acts.at.environmentId, run.runId);
    expect(await view()).toMatchObject({
      mode: "process",
      reason: "PROCESS_MODE",
      since: expect.any(Date),
      because: "fetch (task.ts:3)",
      stored: { id: stored.checkpointId, storedBytes: 3100, bytes: 31_000, node: "node-a", failures: 0 },
    });
    const restoring = await acts.restoring(run);
    await acts.checkpoints.noteFailure(acts.at.environmentId, run.runId, "node-b");
    expect(await view()).toMatchObject({ stored: { failures: 1 } });
    await acts.spend(restoring, stored.checkpointId);
    expect(await view()).toBeUndefined();
  });

  test("is not what a worker that is kept, or has left for a replay, has become", async () => {
    const [held, left] = [await acts.waiting("hold"), await acts.waiting("replay")];
    const view = (run: { runId: string }) => acts.checkpoints.ofRun(acts.at.environmentId, run.runId);
    expect(await view(held)).toMatchObject({ mode: "hold", because: "fetch (task.ts:3)", stored: undefined });
    expect(await view(left)).toMatchObject({ mode: "replay", stored: undefined });
    expect(await view(await acts.executing())).toBeUndefined();
    await acts.store.suspendLost({ ...acts.owned(held), runId: held.runId });
    expect(await view(held)).toBeUndefined();
  });

  test("is given with the grant: whole, with its key, and with what it knows", async () => {
    const run = await acts.executing();
    await acts.append(run, 0, done(0), opened(1, { inMs: 3_600_000 }));
    const { stored, key, chunks } = await acts.staged(run);
    await acts.parkStored(run, stored, 1);
    await acts.fallDue(run);
    const [admitted] = await acts.resume();
    expect(admitted).toMatchObject({ hasCheckpoint: true, hasJournal: true, resumes: false, direct: false });
    const { dumpMs: _, storeMs: __, ...described } = stored;
    expect(await acts.checkpoints.restoreGrant(acts.at.environmentId, run.runId)).toEqual({
      ...described,
      key,
      known: 1,
    });
    expect(Buffer.from(key, "base64")).toHaveLength(32);
    const owner = { executionId: admitted?.executionId ?? "", checkpointId: stored.checkpointId };
    for (const [number, data] of chunks.entries()) expect(await acts.checkpoints.getChunk(owner, number)).toEqual(data);
    expect(await acts.checkpoints.getChunk(owner, chunks.length)).toBeUndefined();
    expect(await acts.checkpoints.getChunk({ ...owner, executionId: run.executionId }, 0)).toBeUndefined();
    expect(await acts.checkpoints.getChunk({ ...owner, checkpointId: newUuid() }, 0)).toBeUndefined();
  });

  test("says what a node must have, and where it was tried in vain", async () => {
    const { run } = await acts.suspended();
    const { environmentId } = acts.at;
    const needs = () => acts.checkpoints.restoreNeeds(environmentId, run.runId);
    expect(await needs()).toEqual({ features: FEATURES, refusedNodes: [] });
    expect(await acts.checkpoints.noteFailure(environmentId, run.runId, "node-b")).toBe(1);
    expect(await acts.checkpoints.noteFailure(environmentId, run.runId, undefined)).toBe(2);
    expect(await acts.checkpoints.noteFailure(environmentId, run.runId, "node-b")).toBe(3);
    expect(await needs()).toEqual({ features: FEATURES, refusedNodes: ["node-b"] });
    expect(await acts.checkpoints.noteFailure(environmentId, newUuid(), "node-b")).toBe(0);
    expect(await acts.checkpoints.restoreNeeds(environmentId + 1, run.runId)).toBeUndefined();
  });

  test("lies in no clear words in any row: neither its key nor what its runner said", async () => {
    const { run, stored, key } = await acts.suspended();
    const { rows } = await pool.query<{ all: string }>(
      `select concat(c, encode(c.key_encrypted, 'escape'), encode(c.memo_encrypted, 'escape'), j, r) as all
       from checkpoint c join run r on r.checkpoint_id = c.id join run_journal j on j.run_id = r.id where c.id = $1`,
      [stored.checkpointId],
    );
    const text = rows[0]?.all ?? "";
    expect(text).toContain(run.runId);
    for (const secret of [key, Buffer.from(key, "base64").toString("hex"), "socketKey", "said to the next runner"])
      expect(text).not.toContain(secret);
  });
});

describe("a park with a stored process", () => {
  test.each<[string, (stored: StoredCheckpoint) => Partial<StoredCheckpoint>]>([
    ["has a chunk more than was named", (stored) => ({ chunks: stored.chunks - 1 })],
    ["lacks a chunk", (stored) => ({ chunks: stored.chunks + 1 })],
    ["has fewer bytes", (stored) => ({ storedBytes: stored.storedBytes + 1 })],
    ["is another's", () => ({ checkpointId: newUuid() })],
    ["is named by no id", () => ({ checkpointId: "../../etc" })],
  ])("is refused where it %s: nothing changes, and it is given up", async (_, over) => {
    const run = await acts.idle();
    const { stored } = await acts.staged(run);
    const before = await acts.everythingOf(run.runId);
    const named = { ...stored, ...over(stored) };
    expect(await acts.parkStored(run, named)).toMatchObject({ state: "RUNNING", refused: { limit: "incomplete" } });
    expect(await acts.everythingOf(run.runId)).toBe(before);
    const given = named.checkpointId === stored.checkpointId ? "released" : "staged";
    expect(await acts.stateOf(stored.checkpointId)).toBe(given);
  });

  test("is refused where a chunk in the middle is missing, though their number and bytes are right", async () => {
    const run = await acts.idle();
    const { stored } = await acts.staged(run, [randomBytes(10), randomBytes(10), randomBytes(10)]);
    await pool.query("update checkpoint_chunk set number = 7 where checkpoint_id = $1 and number = 1", [
      stored.checkpointId,
    ]);
    expect(await acts.parkStored(run, stored)).toMatchObject({ refused: { limit: "incomplete" } });
  });

  test("is refused where another execution has stored it", async () => {
    const [run, other] = [await acts.idle(), await acts.idle()];
    const { stored } = await acts.staged(other);
    expect(await acts.parkStored(run, stored)).toMatchObject({ refused: { limit: "incomplete" } });
    expect(await acts.parkStored(other, stored)).toMatchObject({ state: "SUSPENDED" });
  });

  test("keeps a run going that has news, and the process is given up", async () => {
    const run = await acts.idle();
    const { stored } = await acts.staged(run);
    await acts.append(run, 0, done(1));
    expect(await acts.parkStored(run, stored)).toMatchObject({ state: "RUNNING", completions: [{ entry: 1 }] });
    expect(await acts.stateOf(stored.checkpointId)).toBe("released");
    expect(await acts.referred(run)).toBeUndefined();
    expect(await acts.swept()).toBeGreaterThan(0);
    expect(await acts.chunksOf(stored.checkpointId)).toBe(0);
  });

  test("leaves a run that was woken meanwhile to its held worker", async () => {
    const run = await acts.waiting("hold");
    const { stored } = await acts.staged(run);
    await acts.fallDue(run);
    const woken = announced(await acts.wake());
    // It knows what has woken it, and still has no slot.
    expect(await acts.parkStored(run, stored, 1)).toMatchObject({ state: "PARKED", runId: undefined });
    expect(await acts.stateOf(stored.checkpointId)).toBe("released");
    expect(await acts.admit(woken)).toMatchObject([{ runId: run.runId, resumes: true, hasCheckpoint: false }]);
  });

  test("by an execution that is fenced stores nothing", async () => {
    const run = await acts.idle();
    const { stored } = await acts.staged(run);
    await acts.requeue(run);
    await expect(acts.parkStored(run, stored)).rejects.toThrow("fenced");
    expect(await acts.referred(run)).toBeUndefined();
  });

  test("that is repeated finds its execution gone, and changes nothing", async () => {
    const { run, stored } = await acts.suspended();
    await expect(acts.parkStored(run, stored)).rejects.toThrow("fenced");
    expect(await acts.referred(run)).toBe(stored.checkpointId);
    expect(await acts.stateOf(stored.checkpointId)).toBe("stored");
  });

  test("of a run that is to be canceled ends it, and its process is deleted", async () => {
    const run = await acts.idle();
    const { stored } = await acts.staged(run);
    await acts.store.requestCancel(acts.at.environmentId, run.runId, undefined, 60_000);
    expect(await acts.parkStored(run, stored)).toMatchObject({ state: "SUSPENDED" });
    expect(await acts.status(run.runId)).toBe("CANCELED");
    await acts.swept();
    expect(await acts.stateOf(stored.checkpointId)).toBeUndefined();
  });

  test("is a mistake without its checkpoint, or where nothing can be sealed", async () => {
    const run = await acts.idle();
    await expect(acts.park(run, 0, "process")).rejects.toThrow("without its checkpoint");
    const { stored } = await acts.staged(run);
    const unsealed = createPostgresJournalStore(pool);
    const request = {
      attempt: 1,
      known: 0,
      mode: "process",
      reason: "PROCESS_MODE",
      computeMs: 0,
      ifLost: { then: "fail" },
      checkpoint: stored,
    } as const;
    await expect(unsealed.park(acts.ownerOf(run), request, 10)).rejects.toThrow("without its checkpoint");
  });
});

describe("the limit of an environment", () => {
  const begin = (run: Parameters<typeof acts.owned>[0], max: number) => acts.checkpoints.begin(acts.owned(run), max);

  test("counts what is stored and what has come so far: beyond it none is begun", async () => {
    await acts.suspended({}, [randomBytes(1000)]);
    const run = await acts.idle();
    expect(await begin(run, 1000)).toEqual({ limit: "environmentCheckpointBytes", max: 1000 });
    expect(await begin(run, 1001)).toMatchObject({ checkpointId: expect.any(String) });
    await acts.staged(run, [randomBytes(500)]);
    expect(await begin(run, 1500)).toMatchObject({ limit: "environmentCheckpointBytes" });
    const elsewhere = await checkpointActs(pool);
    expect(await elsewhere.checkpoints.begin(elsewhere.owned(await elsewhere.idle()), 1)).toMatchObject({
      checkpointId: expect.any(String),
    });
  });

  test("is never passed, however many are parked at the same time", async () => {
    const runs = await acts.manyExecuting(12);
    await Promise.all(runs.map((run) => acts.append(run, 0, opened(0, { inMs: 3_600_000 }))));
    const staged = await Promise.all(runs.map((run) => acts.staged(run, [randomBytes(1000)])));
    const max = 5500;
    const replies = await Promise.all(
      runs.map((run, index) => {
        const checkpoint = staged[index]?.stored as StoredCheckpoint;
        const over = { attempt: 1, known: 0, computeMs: 0, ifLost: { then: "fail" } } as const;
        const request = { ...over, mode: "process", reason: "PROCESS_MODE", checkpoint } as const;
        return acts.journals.park(acts.ownerOf(run), request, 100, max);
      }),
    );
    const suspended = replies.filter((reply) => reply !== "fenced" && reply.state === "SUSPENDED");
    expect(suspended).toHaveLength(5);
    const refused = { limit: "environmentCheckpointBytes", max };
    expect(replies.filter((reply) => reply !== "fenced" && reply.refused !== undefined)).toEqual(
      Array.from({ length: 7 }, () => expect.objectContaining({ state: "RUNNING", refused })),
    );
  });

  test("of a fenced execution is not asked: nothing is begun", async () => {
    const run = await acts.idle();
    await acts.requeue(run);
    expect(await begin(run, 1e9)).toBe("fenced");
  });
});

describe("chunks", () => {
  test("are stored once however often they come, and by nobody else", async () => {
    const run = await acts.idle();
    const { stored } = await acts.staged(run, []);
    const owner = { executionId: run.executionId, checkpointId: stored.checkpointId };
    const data = randomBytes(100);
    for (let n = 0; n < 3; n++) expect(await acts.checkpoints.putChunk(owner, 0, data)).toBe("stored");
    expect(await acts.chunksOf(stored.checkpointId)).toBe(1);
    for (const other of [{ executionId: newUuid() }, { checkpointId: newUuid() }, { checkpointId: "x" }])
      expect(await acts.checkpoints.putChunk({ ...owner, ...other }, 1, data)).toBe("refused");
  });

  test("are refused once the process counts, was given up, or its execution has ended", async () => {
    const { run, stored } = await acts.suspended();
    const put = (of: { executionId: string }, checkpointId: string) =>
      acts.checkpoints.putChunk({ executionId: of.executionId, checkpointId }, 9, randomBytes(1));
    expect(await put(run, stored.checkpointId)).toBe("refused");
    const other = await acts.idle();
    const { stored: late } = await acts.staged(other);
    await acts.checkpoints.sweep(-1000, 0);
    expect(await put(other, late.checkpointId)).toBe("refused");
    const ended = await acts.idle();
    const { stored: left } = await acts.staged(ended);
    await acts.finish(ended, "COMPLETED", ended);
    expect(await put(ended, left.checkpointId)).toBe("refused");
  });
});

describe("a run whose process is stored", () => {
  test("is brought back by an execution of its own, though a worker of its version is there", async () => {
    const { run } = await acts.suspended();
    await acts.fallDue(run);
    const woken = announced(await acts.wake());
    const { rows } = await pool.query("select admission::text from ready where run_id = $1", [run.runId]);
    expect(rows).toEqual([{ admission: "restore" }]);
    const { run: other, announced: news } = await acts.insert();
    const admitted = await acts.admit([...woken, ...news], new Map([[acts.at.deploymentId, 1]]));
    expect(admitted.map(({ runId, direct }) => [runId, direct])).toEqual([
      [run.runId, false],
      [other.id, true],
    ]);
    expect(await acts.status(run.runId)).toBe("DEQUEUED");
    const awaited = (await acts.store.awaitedExecutions("onePerVersion")).find(({ runId }) => runId === run.runId);
    expect(awaited).toMatchObject({ hasCheckpoint: true, runId: run.runId });
  });

  test("goes on once: from then on the run refers to no checkpoint, and the same execution may ask again", async () => {
    const { run, stored } = await acts.suspended();
    const restoring = await acts.restoring(run);
    expect(restoring.hasCheckpoint).toBe(true);
    expect(await acts.store.runForDecision(acts.at.environmentId, restoring)).toMatchObject({
      stored: { then: "fail", because: "fetch (task.ts:3)" },
    });
    expect(await acts.spend(restoring, stored.checkpointId)).toBe("granted");
    expect(await acts.referred(run)).toBeUndefined();
    await acts.swept();
    expect(await acts.stateOf(stored.checkpointId)).toBeUndefined();
    expect(await acts.spend(restoring, stored.checkpointId)).toBe("granted");
    const again = await acts.store.runOnWorker(acts.at.environmentId, run.runId, restoring);
    expect(again?.hasCheckpoint).toBe(false);
    const decision = await acts.store.runForDecision(acts.at.environmentId, restoring);
    expect(decision?.stored).toBeUndefined();
  });

  test("does not go on for what is not its owner, or with another's process", async () => {
    const { run, stored } = await acts.suspended();
    const { stored: others } = await acts.suspended();
    const restoring = await acts.restoring(run);
    expect(await acts.spend(restoring, others.checkpointId)).toBe("spent");
    expect(await acts.spend(restoring, "nonsense")).toBe("spent");
    expect(await acts.spend({ ...restoring, fence: "1" }, stored.checkpointId)).toBe("fenced");
    expect(await acts.spend(run, stored.checkpointId)).toBe("fenced");
    expect(await acts.referred(run)).toBe(stored.checkpointId);
  });

  test("has the same process brought back elsewhere where the worker is lost before that", async () => {
    const { run, stored } = await acts.suspended();
    let restoring = await acts.restoring(run);
    for (let n = 1; n <= 3; n++) {
      const [again] = await acts.admit(lanesOf(await acts.requeue(restoring)));
      expect(again).toMatchObject({ runId: run.runId, hasCheckpoint: true, attempt: 1, direct: false });
      if (again === undefined) return;
      restoring = await acts.begun(again);
    }
    expect(await acts.spend(restoring, stored.checkpointId)).toBe("granted");
  });

  test("has the same process brought back after a pause as well", async () => {
    const { run } = await acts.suspended();
    const restoring = await acts.restoring(run);
    const startFailure = { code: "UNSCHEDULABLE", message: "no node" };
    expect(await acts.requeue(restoring, { delayMs: 0, startFailure })).toMatchObject({ status: "DELAYED" });
    const [due] = await acts.store.enqueueDue(10);
    const { rows } = await pool.query("select admission::text from ready where run_id = $1", [run.runId]);
    expect(rows).toEqual([{ admission: "restore" }]);
    const [again] = await acts.admit(due === undefined ? [] : [due]);
    expect(again).toMatchObject({ runId: run.runId, hasCheckpoint: true, direct: false });
  });

  test("begins anew where the worker is lost after that", async () => {
    const { run, stored } = await acts.suspended();
    const restoring = await acts.restoring(run);
    await acts.spend(restoring, stored.checkpointId);
    const [again] = await acts.admit(lanesOf(await acts.requeue(restoring)));
    expect(again).toMatchObject({ runId: run.runId, hasCheckpoint: false, hasJournal: true });
    await expect(acts.spend(restoring, stored.checkpointId)).resolves.toBe("fenced");
  });

  test.each([
    ["a new attempt", { nextAttempt: 2 }],
    ["an attempt that puts itself off", { deferred: true }],
    ["one that is told to do without", { dropsCheckpoint: true }],
  ])("loses it to %s, in the same commit", async (_, over) => {
    const { run, stored } = await acts.suspended();
    const restoring = await acts.restoring(run);
    const [again] = await acts.admit(lanesOf(await acts.requeue(restoring, { lost: false, ...over })));
    expect(again).toMatchObject({ runId: run.runId, hasCheckpoint: false });
    expect(await acts.stateOf(stored.checkpointId)).toBe("released");
  });

  test("loses it to another attempt in place", async () => {
    const { run, stored } = await acts.suspended();
    const restoring = await acts.restoring(run);
    expect(await acts.retryInPlace(restoring)).toMatchObject({ attempt: 2, hasCheckpoint: false });
    expect(await acts.spend(restoring, stored.checkpointId)).toBe("spent");
  });

  test("loses it when its worker leaves by a replay without having gone on in it", async () => {
    const { run, stored } = await acts.suspended();
    const restoring = await acts.restoring(run);
    await acts.append(restoring, 1, opened(1, { inMs: 3_600_000 }));
    expect(await acts.park(restoring, 1, "replay")).toMatchObject({ state: "SUSPENDED" });
    expect(await acts.referred(run)).toBeUndefined();
    expect(await acts.stateOf(stored.checkpointId)).toBe("released");
  });

  test("has it deleted when it is canceled while it waits, and when it ends otherwise", async () => {
    const { run, stored } = await acts.suspended();
    await acts.finish(run, "CANCELED");
    const other = await acts.suspended();
    await acts.finish(other.run, "SYSTEM_FAILURE", await acts.restoring(other.run));
    for (const { checkpointId } of [stored, other.stored]) {
      expect(await acts.stateOf(checkpointId)).toBe("released");
    }
    await acts.swept();
    for (const { checkpointId } of [stored, other.stored]) {
      expect(await acts.stateOf(checkpointId)).toBeUndefined();
      expect(await acts.chunksOf(checkpointId)).toBe(0);
    }
  });

  test("may be stored again and again", async () => {
    let { run, stored } = await acts.suspended();
    for (let entry = 1; entry <= 3; entry++) {
      const restoring = await acts.restoring(run);
      expect(await acts.spend(restoring, stored.checkpointId)).toBe("granted");
      await acts.append(restoring, entry, opened(entry, { inMs: 3_600_000 }));
      const next = await acts.staged(restoring);
      expect(await acts.parkStored(restoring, next.stored, entry)).toMatchObject({ state: "SUSPENDED" });
      [run, stored] = [restoring, next.stored];
    }
    expect(await acts.referred(run)).toBe(stored.checkpointId);
  });
});

describe("the release before this one", () => {
  const old = (lanes: LaneAnnouncement[]) =>
    pool.query<{ run_id: string }>(
      "select * from admit_runs($1, 10, $2::bigint[], $3::timestamptz[], $4, 1000, 1000)",
      [
        acts.at.environmentId,
        lanes.map(({ laneId }) => laneId),
        lanes.map(({ orderAt }) => orderAt ?? "infinity"),
        JSON.stringify({ [acts.at.deploymentId]: 100 }),
      ],
    );

  test("leaves runs alone whose process is stored, and starts, replays and resumes all others", async () => {
    const { run } = await acts.suspended();
    const [replayed, held] = [await acts.waiting("replay"), await acts.waiting("hold")];
    for (const each of [run, replayed, held]) await acts.fallDue(each);
    const woken = announced(await acts.wake());
    const { run: fresh, announced: news } = await acts.insert();
    const { rows } = await old([...woken, ...news]);
    expect(rows.map(({ run_id: id }) => id).sort()).toEqual([replayed.runId, held.runId, fresh.id].sort());
    expect(Object.keys(rows[0] ?? {})).not.toContain("has_checkpoint");
    expect((await old([])).rows).toEqual([]);
    await pool.query("update turn set served_at = now() where environment_id = $1", [acts.at.environmentId]);
    expect(await acts.admit()).toMatchObject([{ runId: run.runId, hasCheckpoint: true }]);
  });

  test("leaves them alone also where it has put them back itself, among those that start", async () => {
    const { run } = await acts.suspended();
    const restoring = await acts.restoring(run);
    const lanes = lanesOf(await acts.requeue(restoring));
    await pool.query("update ready set admission = 'start', order_at = now() where run_id = $1", [run.runId]);
    await pool.query("update run set order_at = (select order_at from ready where run_id = $1) where id = $1", [
      run.runId,
    ]);
    expect((await old(lanes)).rows).toEqual([]);
    await pool.query("update turn set served_at = now() where environment_id = $1", [acts.at.environmentId]);
    expect(await acts.admit()).toMatchObject([{ runId: run.runId, hasCheckpoint: true }]);
  });

  test("parks lanes as it did where no process is stored", async () => {
    const { announced: news } = await acts.insert();
    expect((await old(news)).rows).toHaveLength(1);
    expect((await old([])).rows).toEqual([]);
    expect(await acts.count("turn where environment_id = $1", acts.at.environmentId)).toBe(0);
  });
});

describe("nodes", () => {
  test("are those that runners have told of, each once, as it was told last", async () => {
    const { checkpoints } = acts;
    const other = { ...FEATURES, node: "node-b", kernel: "5.4" };
    await checkpoints.noteNode(FEATURES, false, "no criu");
    await checkpoints.noteNode(other, false, "the kernel is too old");
    await checkpoints.noteNode(FEATURES, true, undefined);
    const seenAt = expect.any(Date);
    expect(await checkpoints.nodes()).toEqual([
      { features: FEATURES, works: true, reason: undefined, seenAt },
      { features: other, works: false, reason: "the kernel is too old", seenAt },
    ]);
    const written = () => pool.query("select xmin::text from checkpoint_node order by node");
    const { rows } = await written();
    await checkpoints.noteNode(FEATURES, true, undefined);
    expect((await written()).rows).toEqual(rows);
    await pool.query("update checkpoint_node set seen_at = now() - interval '25 hours' where node = 'node-a'");
    expect(await checkpoints.nodes()).toMatchObject([{ features: other }]);
    expect(await acts.count("checkpoint_node")).toBe(2);
    await pool.query("update checkpoint_node set seen_at = now() - interval '31 days' where node = 'node-a'");
    await createUpkeep(pool).deleteExpired();
    expect(await acts.count("checkpoint_node")).toBe(1);
    await pool.query("delete from checkpoint_node");
  });
});

test("a key that is not the platform's opens nothing", async () => {
  const { run } = await acts.suspended();
  const { rows } = await pool.query<{ sealed: Buffer }>(
    "select c.key_encrypted as sealed from checkpoint c join run r on r.checkpoint_id = c.id where r.id = $1",
    [run.runId],
  );
  expect(() => CHECKPOINT_SECRETS.open(rows[0]?.sealed as Buffer, "checkpoint/another/key")).toThrow();
});
