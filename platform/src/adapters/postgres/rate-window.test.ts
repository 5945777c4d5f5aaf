import fc from "fast-check";
import { expect, test } from "vitest";
import { testDatabase } from "../../../test/support/test-database.ts";

const { pool } = await testDatabase();
let lane = 0;

/** Starts as many as the window allows at each of some instants (milliseconds), and says when each start was. */
async function start(limit: number, periodMs: number, instants: number[], wanted: number): Promise<number[]> {
  lane++;
  const starts: number[] = [];
  for (const at of instants) {
    const { rows } = await pool.query<{ room: number }>(
      "select rate_room(1, $1, $2, $3, to_timestamp($4::float8 / 1000)) as room",
      [lane, limit, periodMs, at],
    );
    const n = Math.min(wanted, rows[0]?.room ?? 0);
    if (n > 0)
      await pool.query("select rate_add(1, $1, $2, to_timestamp($3::float8 / 1000), $4)", [lane, periodMs, at, n]);
    for (let i = 0; i < n; i++) starts.push(at);
  }
  return starts;
}
const dueAt = async (periodMs: number, at: number) => {
  const { rows } = await pool.query<{ at: string }>(
    "select extract(epoch from rate_due(1, $1, $2, to_timestamp($3::float8 / 1000))) * 1000 as at",
    [lane, periodMs, at],
  );
  return Number(rows[0]?.at);
};

test("no window of a period ever sees more starts than its limit, whenever they are asked for", async () => {
  const steps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 5, maxLength: 25 });
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 2000 }),
    steps,
    fc.integer({ min: 1, max: 3 }),
    async (limit, periodMs, gaps, wanted) => {
      let at = 1_900_000_000_000;
      const starts = await start(
        limit,
        periodMs,
        gaps.map((gap) => (at += gap)),
        wanted,
      );
      for (let i = limit; i < starts.length; i++)
        expect((starts[i] as number) - (starts[i - limit] as number)).toBeGreaterThanOrEqual(periodMs);
    },
  );
  await fc.assert(property, { numRuns: 40 });
}, 60_000);

test("room comes back no later than a sixtieth of the period after it could, and when it was said to", async () => {
  const periodMs = 6000;
  const at = 1_900_000_000_040;
  expect(await start(2, periodMs, [at, at + 1, at + 2], 1)).toHaveLength(2);
  const due = await dueAt(periodMs, at + 10);
  expect(due - at).toBeGreaterThanOrEqual(periodMs);
  expect(due - at).toBeLessThanOrEqual(periodMs + 100);
  const roomAt = async (when: number) =>
    (
      await pool.query("select rate_room(1, $1, 2, $2, to_timestamp($3::float8 / 1000)) as room", [
        lane,
        periodMs,
        when,
      ])
    ).rows[0].room;
  expect([await roomAt(at + periodMs - 1), await roomAt(due - 1), await roomAt(due)]).toEqual([0, 0, 2]);
});

test("a window remembers no more than its period", async () => {
  const periodMs = 60;
  await start(
    1000,
    periodMs,
    Array.from({ length: 500 }, (_, n) => 1_900_000_000_000 + n),
    1,
  );
  const { rows } = await pool.query<{ n: number }>(
    "select cardinality(ends) as n from rate_window where lane_id = $1",
    [lane],
  );
  expect(rows[0]?.n).toBeLessThanOrEqual(62);
});
