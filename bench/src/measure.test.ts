import { expect, test } from "vitest";
import { Countdown, median, percentile, ratePerSecond } from "./measure.ts";

test("percentiles are nearest ranks", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([percentile(values, 50), percentile(values, 99), percentile(values, 100)]).toEqual([50, 99, 100]);
  expect(median([3, 1, 2])).toBe(2);
});

test("a countdown resolves with its last tick", async () => {
  const countdown = new Countdown(2);
  countdown.tick();
  countdown.tick();
  await countdown.done;
  expect(countdown.endedAt).toBeGreaterThan(0);
});

test("a rate keeps as many in flight as asked", async () => {
  let current = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++current);
    await new Promise((resolve) => setImmediate(resolve));
    current--;
  };
  expect(await ratePerSecond(work, { inFlight: 7, durationMs: 20, warmUpMs: 5 })).toBeGreaterThan(0);
  expect(most).toBe(7);
});
