import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { done, journalActs, opened } from "../../../test/support/journal-acts.ts";
import { nobody } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";

const { pool } = await testDatabase();
const acts = await journalActs(pool);
const { journals, ownerOf } = acts;

describe("an append", () => {
  test("gives each ended entry the next place in the run's order, and answers with what is new", async () => {
    const run = await acts.executing();
    const first = await acts.append(run, 0, done(0));
    expect(first).toEqual({
      state: "RUNNING",
      completions: [
        { entry: 0, seq: 1, ok: true, value: '"value 0"', valueType: "application/json", at: expect.any(Number) },
      ],
    });
    const error = { name: "Error", message: "no\0 such \ud800 thing" };
    const second = await acts.append(run, 1, done(1), done(2, { ok: false, value: undefined, error }));
    expect(second.completions.map(({ entry, seq, ok }) => [entry, seq, ok])).toEqual([
      [1, 2, true],
      [2, 3, false],
    ]);
    const loaded = await journals.load(acts.at.environmentId, run.runId);
    expect(loaded?.seq).toBe(3);
    expect(loaded?.entries.map(({ completion }) => completion)).toEqual([...first.completions, ...second.completions]);
  });

  test("that is resent stores nothing again, and gets the same answer", async () => {
    const run = await acts.executing();
    await acts.append(run, 0, done(0));
    const first = await acts.append(run, 1, done(1), done(2));
    const again = await acts.append(run, 1, done(1, { value: '"other"' }), done(2));
    const timeless = ({ completions }: typeof first) => completions.map((one) => ({ ...one, at: 0 }));
    expect(timeless(again)).toEqual(timeless(first));
    expect(await acts.count("journal_entry where run_id = $1", run.runId)).toBe(3);
    const { rows } = await pool.query("select seq, entries from run_journal where run_id = $1", [run.runId]);
    expect(rows).toEqual([{ seq: 3, entries: 3 }]);
  });

  test("answers with everything after what is known, not only its own", async () => {
    const run = await acts.executing();
    await acts.append(run, 0, done(0), done(1));
    const reply = await acts.append(run, 1, done(2));
    expect(reply.completions.map(({ seq }) => seq)).toEqual([2, 3]);
    expect((await acts.append(run, 3)).completions).toEqual([]);
    expect((await acts.append(run, 0)).completions).toHaveLength(3);
  });

  test("of an execution that is no longer the run's stores nothing", async () => {
    const run = await acts.executing();
    const limits = DEFAULT_LIMITS;
    expect(await journals.append(ownerOf(nobody()), 0, [done(0)], limits)).toBe("fenced");
    expect(await journals.append(ownerOf({ ...run, fence: "1" }), 0, [done(0)], limits)).toBe("fenced");
    expect(await journals.append(ownerOf(nobody()), 0, [opened(0, { inMs: 1 })], limits)).toBe("fenced");
    expect(await journals.append(ownerOf(nobody()), 0, [], limits)).toBe("fenced");
    await acts.finish(run, "COMPLETED", run);
    expect(await journals.append(ownerOf(run), 0, [done(0)], limits)).toBe("fenced");
    expect(await acts.count("journal_entry where run_id = $1", run.runId)).toBe(0);
  });

  test("marks the run, so that its next grant brings the journal", async () => {
    const run = await acts.executing();
    expect(run.hasJournal).toBe(false);
    await acts.append(run, 0, done(0));
    const again = await acts.store.runOnWorker(acts.at.environmentId, run.runId, run);
    expect(again?.hasJournal).toBe(true);
    const other = await acts.executing();
    await acts.append(other, 0, opened(0, { inMs: 1000 }));
    expect((await acts.store.runOnWorker(acts.at.environmentId, other.runId, other))?.hasJournal).toBe(true);
  });

  test("of a question alone makes no journal", async () => {
    const run = await acts.executing();
    expect(await acts.append(run, 0)).toEqual({ state: "RUNNING", completions: [] });
    expect(await journals.load(acts.at.environmentId, run.runId)).toBeUndefined();
  });

  test.each([
    ["journalEntries", { journalEntries: 2 }, "3 entries"],
    ["journalBytes", { journalBytes: 60 }, "bytes; the limit journalBytes is 60"],
    ["journalValueBytes", { journalValueBytes: 4 }, 'The value of "step 1"'],
  ])("beyond %s is refused whole, and names the limit", async (limit, over, want) => {
    const run = await acts.executing();
    const limits = { ...DEFAULT_LIMITS, ...over };
    await acts.append(run, 0, done(0));
    for (const entries of [
      [done(1), done(2)],
      [done(1), done(2), opened(3, { inMs: 1000 })],
    ]) {
      const refused = journals.append(ownerOf(run), 1, entries, limits);
      await expect(refused).rejects.toMatchObject({ code: "JOURNAL_LIMIT", details: { limit } });
      await expect(refused).rejects.toThrow(entries.length === 2 ? want : limit === "journalEntries" ? "4" : want);
    }
    expect(await acts.count("journal_entry where run_id = $1", run.runId)).toBe(1);
    expect((await acts.append(run, 1, done(1))).completions).toHaveLength(1);
  });

  test("that is too large costs those that share its commit nothing", async () => {
    const all = await acts.manyExecuting(8);
    const replies = await Promise.allSettled(
      all.map((run, index) =>
        journals.append(ownerOf(run), 0, [done(0), done(1)], {
          ...DEFAULT_LIMITS,
          journalEntries: index === 3 ? 1 : 9,
        }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(
      all.map((_, index) => (index === 3 ? "rejected" : "fulfilled")),
    );
  });

  test("of a hundred runs at once shares commits", async () => {
    const own = await journalActs(pool);
    const all = await own.manyExecuting(100);
    const replies = await Promise.all(all.map((run) => own.append(run, 0, done(0))));
    expect(replies.every(({ completions }) => completions.length === 1)).toBe(true);
    const { rows } = await pool.query("select distinct xmin::text from journal_entry where environment_id = $1", [
      own.at.environmentId,
    ]);
    expect(rows.length).toBeLessThan(20);
  });
});
