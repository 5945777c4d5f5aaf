import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { beforeEach, describe, expect, test } from "vitest";
import { announced, done, journalActs, opened } from "../../../test/support/journal-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { encodeId, newUuid } from "../../ids.ts";
import { createWaitpointStore } from "./waitpoints.ts";

const { pool } = await testDatabase();
let acts: Awaited<ReturnType<typeof journalActs>>;
beforeEach(async () => {
  acts = await journalActs(pool);
});
const waitpoints = createWaitpointStore(pool);

/** The completions that a run's journal has. */
async function completions(runId: string) {
  const journal = await acts.journals.load(acts.at.environmentId, runId);
  return (journal?.entries ?? []).flatMap(({ completion }) => completion ?? []);
}

async function token(over: { timeoutAt?: Date } = {}): Promise<string> {
  const id = newUuid();
  await waitpoints.create(acts.at.environmentId, id, { tags: [], ...over } as never);
  return id;
}

const packet = (text: string) => ({ data: Buffer.from(text), type: "application/json" });

describe("a wait for a time", () => {
  test.each([
    ["zero", { inMs: 0 }],
    ["an instant that has passed", { at: Date.now() - 60_000 }],
    ["the beginning of time", { at: 0 }],
  ])("of %s is complete when it is stored", async (_, target) => {
    const run = await acts.executing();
    const reply = await acts.append(run, 0, opened(0, target));
    expect(reply.completions).toMatchObject([{ entry: 0, seq: 1, ok: true }]);
  });

  test.each([
    ["ten years", { inMs: 10 * 365 * 86_400_000 }],
    ["longer than there are years", { inMs: Number.MAX_VALUE }],
  ])("of %s is kept", async (_, target) => {
    const run = await acts.executing();
    expect((await acts.append(run, 0, opened(0, target))).completions).toEqual([]);
    expect((await acts.park(run, 0)).state).toBe("SUSPENDED");
    expect(await acts.wake()).toEqual([]);
  });

  test("ends when it is due, not before, and queues its run ahead of new ones", async () => {
    const run = await acts.waiting();
    expect(await acts.wake()).toEqual([]);
    const { announced: news } = await acts.insert();
    await acts.fallDue(run);
    const woken = await acts.wake();
    expect(woken).toMatchObject([{ runId: run.runId, executionId: undefined }]);
    const admitted = await acts.store.admit(acts.at.environmentId, 1, [...announced(woken), ...news], acts.at.warm);
    expect(admitted).toMatchObject([{ runId: run.runId, resumes: false, hasJournal: true }]);
    expect(await completions(run.runId)).toMatchObject([{ entry: 0, seq: 1, ok: true }]);
  });

  test("with a key is waited for once by all who name it", async () => {
    const first = await acts.executing();
    const second = await acts.executing();
    const idempotencyKey = newUuid().replaceAll("-", "");
    await acts.append(first, 0, opened(0, { inMs: 3_600_000, idempotencyKey }));
    await acts.append(second, 0, opened(0, { inMs: 7_200_000, idempotencyKey }));
    const { rows } = await pool.query("select distinct due_at from journal_entry where run_id = any ($1::uuid[])", [
      [first.runId, second.runId],
    ]);
    expect(rows).toHaveLength(1);
  });
});

describe("a wait for a token", () => {
  test("gets what completed it before, at once", async () => {
    const id = await token();
    await waitpoints.complete(acts.at.environmentId, id, packet("42"));
    const run = await acts.executing();
    const reply = await acts.append(run, 0, opened(0, { tokenId: encodeId("waitpoint", id) }));
    expect(reply.completions).toMatchObject([{ entry: 0, ok: true, value: "42", valueType: "application/json" }]);
  });

  test("gets what completes it later, and wakes", async () => {
    const id = await token();
    const run = await acts.executing();
    await acts.append(run, 0, opened(0, { tokenId: encodeId("waitpoint", id) }));
    await acts.park(run, 0);
    await waitpoints.complete(acts.at.environmentId, id, packet("42"));
    await waitpoints.complete(acts.at.environmentId, id, packet("43"));
    expect((await acts.resume()).map(({ runId }) => runId)).toEqual([run.runId]);
    expect(await completions(run.runId)).toMatchObject([{ entry: 0, seq: 1, ok: true, value: "42" }]);
  });

  test("fails when its own time, or the token's, is over", async () => {
    const own = await acts.executing();
    const other = await acts.executing();
    await acts.append(own, 0, opened(0, { tokenId: encodeId("waitpoint", await token()), timeoutMs: 3_600_000 }));
    const id = await token({ timeoutAt: new Date(Date.now() + 3_600_000) });
    await acts.append(other, 0, opened(0, { tokenId: encodeId("waitpoint", id) }));
    await acts.fallDue(own);
    await pool.query("update waitpoint set due_at = now() where id = $1", [id]);
    await acts.wake();
    const late = await acts.executing();
    await acts.append(late, 0, opened(0, { tokenId: encodeId("waitpoint", id) }));
    for (const run of [own, other, late])
      expect(await completions(run.runId)).toMatchObject([{ ok: false, error: { code: "WAITPOINT_TIMEOUT" } }]);
  });

  test("that nobody knows is refused, and nothing is stored", async () => {
    const run = await acts.executing();
    const unknown = opened(1, { tokenId: encodeId("waitpoint", newUuid()) });
    const call = acts.journals.append(acts.ownerOf(run), 0, [done(0), unknown], DEFAULT_LIMITS);
    await expect(call).rejects.toMatchObject({ code: "TOKEN_NOT_FOUND" });
    expect(await acts.count("journal_entry where run_id = $1", run.runId)).toBe(0);
  });
});

describe("a wait for a child", () => {
  test("gets its result once it has ended, whichever way", async () => {
    const parent = await acts.executing();
    const good = await acts.executing({ parentRunId: parent.runId });
    const bad = await acts.executing({ parentRunId: parent.runId });
    const canceled = await acts.insert({
      parentRunId: parent.runId,
      status: "DELAYED",
      delayUntil: new Date(Date.now() + 1e6),
    });
    const waits = [good.runId, bad.runId, canceled.run.id].map((id, entry) =>
      opened(entry, { childRunId: encodeId("run", id) }),
    );
    expect((await acts.append(parent, 0, ...waits)).completions).toEqual([]);
    expect((await acts.park(parent, 0)).state).toBe("SUSPENDED");
    await acts.finish(good, "COMPLETED", good, { output: packet("1") });
    expect((await acts.resume()).map(({ runId }) => runId)).toEqual([parent.runId]);
    await acts.finish(bad, "FAILED", bad, { error: { name: "Error", message: "no" } });
    await acts.finish({ runId: canceled.run.id }, "CANCELED");
    await acts.wake();
    expect((await completions(parent.runId)).sort((a, b) => a.entry - b.entry)).toMatchObject([
      { entry: 0, ok: true, value: "1" },
      { entry: 1, ok: false, error: { name: "Error", message: "no" } },
      { entry: 2, ok: false, error: { code: "CANCELED" } },
    ]);
    expect(await acts.count("settlement where environment_id = $1 and kind <> 'journal'", acts.at.environmentId)).toBe(
      0,
    );
  });

  test("that has ended already, or that nobody knows, is over at once", async () => {
    const child = await acts.executing();
    await acts.finish(child, "COMPLETED", child, { output: packet("1") });
    const parent = await acts.executing();
    for (const [entry, id] of [child.runId, newUuid()].entries())
      await acts.append(parent, entry, opened(entry, { childRunId: encodeId("run", id) }));
    expect(await completions(parent.runId)).toMatchObject([
      { ok: true, value: "1" },
      { ok: false, error: { code: "RUN_NOT_FOUND" } },
    ]);
  });

  test.each([1, 2])("that ends while %i of them are waited for is not lost", async (count) => {
    for (let round = 0; round < 10; round++) {
      const parent = await acts.executing();
      const children = await acts.manyExecuting(count);
      const waits = children.map(({ runId }, entry) => opened(entry, { childRunId: encodeId("run", runId) }));
      await Promise.all([
        acts.append(parent, 0, ...waits),
        ...children.map((child) => acts.finish(child, "COMPLETED", child, { output: packet("1") })),
        acts.wake(),
      ]);
      await acts.wake();
      expect(await completions(parent.runId)).toHaveLength(count);
    }
  });
});

describe("a wait for a batch", () => {
  async function batch(runIds: string[], isSealed = true): Promise<string> {
    const id = newUuid();
    const { environmentId } = acts.at;
    await acts.store.createBatch({
      id,
      environmentId,
      expectedCount: runIds.length + 1,
      idempotencyKey: undefined,
      parentRunId: undefined,
    });
    for (const [item, runId] of runIds.entries())
      await pool.query("insert into batch_item (batch_id, item, run_id) values ($1, $2, $3)", [id, item, runId]);
    await acts.store.failBatchItem(id, runIds.length, { code: "PAYLOAD_TOO_LARGE", message: "too large" });
    if (isSealed) await acts.store.sealBatch(environmentId, id);
    return id;
  }
  const results = async (runId: string) => JSON.parse((await completions(runId))[0]?.value ?? "null");

  test("is over when its last item is, and gets all results in the order of the items", async () => {
    const parent = await acts.executing();
    const children = await acts.manyExecuting(3);
    const id = await batch(children.map(({ runId }) => runId));
    await acts.append(parent, 0, opened(0, { batchId: encodeId("batch", id) }));
    await acts.park(parent, 0);
    for (const [index, child] of [...children].reverse().entries()) {
      expect(await acts.wake()).toEqual([]);
      if (index === 1) await acts.finish(child, "FAILED", child, { error: { name: "Error", message: "no" } });
      else await acts.finish(child, "COMPLETED", child, { output: packet(`${index}`) });
    }
    expect(await acts.wake()).toMatchObject([{ runId: parent.runId }]);
    const [first, second, third] = children.map(({ runId }) => encodeId("run", runId));
    expect(await results(parent.runId)).toEqual([
      { id: first, taskIdentifier: "task", ok: true, output: "2", outputType: "application/json" },
      { id: second, taskIdentifier: "task", ok: false, error: { name: "Error", message: "no" } },
      { id: third, taskIdentifier: "task", ok: true, output: "0", outputType: "application/json" },
      {
        id: "",
        taskIdentifier: "",
        ok: false,
        error: { name: "TriggerError", code: "PAYLOAD_TOO_LARGE", message: "too large" },
      },
    ]);
  });

  test("of runs that have ended is over at once", async () => {
    const parent = await acts.executing();
    const [child] = await acts.manyExecuting(1);
    if (child === undefined) throw new Error("nothing was admitted");
    const id = await batch([child.runId]);
    await acts.finish(child, "COMPLETED", child);
    expect((await acts.append(parent, 0, opened(0, { batchId: encodeId("batch", id) }))).completions).toHaveLength(1);
    expect(await results(parent.runId)).toHaveLength(2);
  });

  test("that is still being filled waits for what comes, too", async () => {
    const parent = await acts.executing();
    const [first, second] = await acts.manyExecuting(2);
    if (first === undefined || second === undefined) throw new Error("nothing was admitted");
    const id = await batch([first.runId], false);
    await acts.append(parent, 0, opened(0, { batchId: encodeId("batch", id) }));
    await acts.finish(first, "COMPLETED", first);
    await acts.wake();
    await pool.query("insert into batch_item (batch_id, item, run_id) values ($1, 2, $2)", [id, second.runId]);
    await acts.store.sealBatch(acts.at.environmentId, id);
    await acts.wake();
    expect(await completions(parent.runId)).toEqual([]);
    await acts.finish(second, "COMPLETED", second);
    await acts.wake();
    expect(await results(parent.runId)).toHaveLength(3);
  });

  test("whose items end at once, while it is stored, is not lost", async () => {
    for (let round = 0; round < 10; round++) {
      const parent = await acts.executing();
      const children = await acts.manyExecuting(4);
      const id = await batch(children.map(({ runId }) => runId));
      await Promise.all([
        acts.append(parent, 0, opened(0, { batchId: encodeId("batch", id) })),
        ...children.map((child) => acts.finish(child, "COMPLETED", child)),
        acts.wake(),
        acts.wake(),
      ]);
      await acts.wake();
      expect(await results(parent.runId)).toHaveLength(5);
    }
  });
});
