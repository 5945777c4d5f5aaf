import { describe, expect, it } from "vitest";
import { environmentFixture } from "../../../test/support/store-fixture.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import type { WaitpointRequest } from "../../waitpoints/waitpoint.ts";
import { inTransaction } from "./transaction.ts";
import { createWaitpointStore, timeOutWaitpoints } from "./waitpoints.ts";

const { pool } = await testDatabase();
const store = createWaitpointStore(pool);
const { environmentId } = await environmentFixture(pool);
const other = (await environmentFixture(pool)).environmentId;
const output = (text: string) => ({ data: Buffer.from(text), type: "application/json" });

async function create(request: Partial<WaitpointRequest> = {}, environment = environmentId) {
  return store.create(environment, newUuid(), { tags: [], idempotencyKeyTtlMs: 3600_000, ...request });
}

/** A run's journal with entries that wait for these tokens. */
async function journalWaitingFor(tokenIds: string[], seq = 0): Promise<string> {
  const runId = newUuid();
  await pool.query("insert into run_journal (run_id, environment_id, seq) values ($1, $2, $3)", [
    runId,
    environmentId,
    seq,
  ]);
  await pool.query(
    `insert into journal_entry (run_id, entry, environment_id, kind, key, label, after, attempt, token_id)
     select $1, n - 1, $2, 'token', 'k' || n, 'token', 0, 1, t from unnest($3::uuid[]) with ordinality as u (t, n)`,
    [runId, environmentId, tokenIds],
  );
  return runId;
}

async function entriesOf(runId: string) {
  const { rows } = await pool.query(
    "select entry, seq, ok, value, value_type, error from journal_entry where run_id = $1 order by entry",
    [runId],
  );
  return rows as { entry: number; seq: number | null; ok: boolean; value: Buffer; error: { code: string } }[];
}

async function wakesOf(runId: string): Promise<number> {
  const { rows } = await pool.query<{ n: number }>("select count(*)::int as n from run_wake where run_id = $1", [
    runId,
  ]);
  return rows[0]?.n ?? 0;
}

describe("making tokens", () => {
  it("answers with the same token for the same key, in its own environment only", async () => {
    const first = await create({ idempotencyKey: "a" });
    expect(await create({ idempotencyKey: "a" })).toEqual({ id: first.id, isCached: true });
    expect(await create({ idempotencyKey: "b" })).toMatchObject({ isCached: false });
    expect(await create({ idempotencyKey: "a" }, other)).toMatchObject({ isCached: false });
  });

  it("answers with a new one when the key's time is over", async () => {
    const first = await create({ idempotencyKey: "short", idempotencyKeyTtlMs: -1 });
    const second = await create({ idempotencyKey: "short" });
    expect(second).toMatchObject({ isCached: false });
    expect(second.id).not.toBe(first.id);
    expect(await create({ idempotencyKey: "short" })).toEqual({ id: second.id, isCached: true });
  });

  it("makes one where twenty ask at once, also for a key whose time is over", async () => {
    await create({ idempotencyKey: "many", idempotencyKeyTtlMs: -1 });
    const made = await Promise.all(Array.from({ length: 20 }, () => create({ idempotencyKey: "many" })));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(made.filter(({ isCached }) => !isCached)).toHaveLength(1);
  });
});

describe("completing a token", () => {
  it("wakes every run that waits for it, with the next seq of each, and no run of another token", async () => {
    const [token, another] = [await create(), await create()];
    const one = await journalWaitingFor([token.id], 7);
    const two = await journalWaitingFor([another.id, token.id]);
    expect(await store.complete(environmentId, token.id, output('{"ok":1}'))).toEqual({
      status: "COMPLETED",
      isFirst: true,
    });
    expect(await entriesOf(one)).toMatchObject([
      { entry: 0, seq: 8, ok: true, value: Buffer.from('{"ok":1}'), value_type: "application/json", error: null },
    ]);
    expect(await entriesOf(two)).toMatchObject([{ seq: null }, { seq: 1, ok: true }]);
    expect([await wakesOf(one), await wakesOf(two)]).toEqual([1, 1]);
  });

  it("gives a run that waits for it twice two completions and one wake", async () => {
    const { id } = await create();
    const runId = await journalWaitingFor([id, id]);
    await store.complete(environmentId, id, output("1"));
    expect((await entriesOf(runId)).map(({ seq }) => seq)).toEqual([1, 2]);
    expect(await wakesOf(runId)).toBe(1);
  });

  it("is done by the first; the others change nothing and say so", async () => {
    const { id } = await create();
    const runId = await journalWaitingFor([id]);
    const answers = await Promise.all(["1", "2", "3"].map((text) => store.complete(environmentId, id, output(text))));
    expect(answers.map((answer) => answer?.status)).toEqual(["COMPLETED", "COMPLETED", "COMPLETED"]);
    expect(answers.filter((answer) => answer?.isFirst)).toHaveLength(1);
    const winner = String(answers.findIndex((answer) => answer?.isFirst) + 1);
    expect((await store.retrieve(environmentId, id))?.output?.data.toString()).toBe(winner);
    expect((await entriesOf(runId)).map(({ value }) => value.toString())).toEqual([winner]);
    expect(await wakesOf(runId)).toBe(1);
  });

  it("keeps bytes as they are: NUL, and text that is not UTF-8", async () => {
    const { id } = await create();
    const data = Buffer.from([0, 0xff, 0x41]);
    await store.complete(environmentId, id, { data, type: "text/plain" });
    expect((await store.retrieve(environmentId, id))?.output).toEqual({ data, type: "text/plain" });
  });

  it("finds a wait that is opened at the same moment, or that wait finds the token complete", async () => {
    for (let round = 0; round < 20; round++) {
      const { id } = await create();
      const runId = await journalWaitingFor([]);
      // As an append does: the token's row first, then its own journal's.
      const opened = inTransaction(pool, async (client) => {
        const { rows } = await client.query("select status from waitpoint where id = $1 for share", [id]);
        await client.query("select 1 from run_journal where run_id = $1 for update", [runId]);
        if (rows[0].status !== "WAITING") return "sawIt";
        await client.query(
          `insert into journal_entry (run_id, entry, environment_id, kind, key, label, after, attempt, token_id)
           values ($1, 0, $2, 'token', 'k', 'token', 0, 1, $3)`,
          [runId, environmentId, id],
        );
        return "opened";
      });
      const [how] = await Promise.all([opened, store.complete(environmentId, id, output("1"))]);
      const entries = await entriesOf(runId);
      expect(how === "sawIt" ? [] : entries.map(({ seq }) => seq)).toEqual(how === "sawIt" ? [] : [1]);
    }
  });

  it("does nothing in another environment, nor to what never was", async () => {
    const { id } = await create();
    expect(await store.complete(other, id, output("1"))).toBeUndefined();
    expect(await store.retrieve(other, id)).toBeUndefined();
    expect(await store.complete(environmentId, newUuid(), output("1"))).toBeUndefined();
    expect(await store.retrieve(environmentId, id)).toMatchObject({ status: "WAITING" });
  });
});

describe("a token's timeout", () => {
  const past = () => new Date(Date.now() - 5000);

  it("is seen at once, and then noted: what waits for it fails", async () => {
    const timeoutAt = past();
    const { id } = await create({ timeoutAt });
    const runId = await journalWaitingFor([id]);
    expect(await store.retrieve(environmentId, id)).toMatchObject({ status: "TIMED_OUT", completedAt: timeoutAt });
    expect(await timeOutWaitpoints(pool, 100)).toBeGreaterThan(0);
    expect(await entriesOf(runId)).toMatchObject([
      { seq: 1, ok: false, value: null, error: { name: "WaitpointTimeoutError", code: "WAITPOINT_TIMEOUT" } },
    ]);
    expect(await timeOutWaitpoints(pool, 100)).toBe(0);
    expect(await wakesOf(runId)).toBe(1);
  });

  it("cannot be undone by a completion that comes later, whether it was noted or not", async () => {
    for (const isNoted of [false, true]) {
      const { id } = await create({ timeoutAt: past() });
      const runId = await journalWaitingFor([id]);
      if (isNoted) await timeOutWaitpoints(pool, 100);
      expect(await store.complete(environmentId, id, output("1"))).toEqual({ status: "TIMED_OUT", isFirst: false });
      expect(await store.retrieve(environmentId, id)).toMatchObject({ status: "TIMED_OUT", output: undefined });
      expect(await entriesOf(runId)).toMatchObject([{ ok: false, seq: 1 }]);
    }
  });

  it("does not come before its time", async () => {
    const { id } = await create({ timeoutAt: new Date(Date.now() + 3600_000) });
    await timeOutWaitpoints(pool, 100);
    expect(await store.retrieve(environmentId, id)).toMatchObject({ status: "WAITING", completedAt: undefined });
  });
});

describe("lists of tokens", () => {
  it("are newest first, page by page both ways, and by status and tag", async () => {
    const at = (await environmentFixture(pool)).environmentId;
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.push((await create({ tags: [`t${n % 2}`] }, at)).id);
    await store.complete(at, made[2] as string, output("1"));
    const late = await create({ timeoutAt: new Date(Date.now() - 1000) }, at);
    const ids = async (...args: Parameters<typeof store.list> extends [number, ...infer Rest] ? Rest : never) =>
      (await store.list(at, ...args)).map(({ id }) => id);
    const newest = [...made].reverse();
    expect(await ids({ status: ["WAITING", "COMPLETED"] }, { size: 2 })).toEqual(newest.slice(0, 3));
    expect(await ids({ tags: ["t0", "t1"] }, { size: 2, after: newest[1] as string })).toEqual(newest.slice(2, 5));
    expect(await ids({ tags: ["t0"] }, { size: 1, before: made[0] as string })).toEqual([made[2], made[4]]);
    expect(await ids({ status: ["COMPLETED"] }, { size: 9 })).toEqual([made[2]]);
    expect(await ids({ status: ["TIMED_OUT"] }, { size: 9 })).toEqual([late.id]);
    expect(await ids({ from: new Date(Date.now() + 60_000) }, { size: 9 })).toEqual([]);
  });
});
