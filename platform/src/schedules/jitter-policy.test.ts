import fc from "fast-check";
import { expect, test } from "vitest";
import { jitterMs } from "./jitter-policy.ts";

const MINUTE = 60_000;

test("a jitter is the same however often it is asked, and never as long as its window or the time to the next due time", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("30s", "15m", "24h", "30%", "100%"),
      fc.uuid(),
      fc.nat(2 ** 40),
      fc.integer({ min: 1000, max: 86_400_000 }),
      (jitter, id, dueAt, intervalMs) => {
        const ms = jitterMs(jitter, id, dueAt, dueAt + intervalMs);
        expect(ms).toBe(jitterMs(jitter, id, dueAt, dueAt + intervalMs));
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThan(intervalMs);
        if (jitter === "30%") expect(ms).toBeLessThan(intervalMs * 0.3);
        if (jitter === "30s") expect(ms).toBeLessThan(30_000);
      },
    ),
  );
});

test("due times of a schedule, and schedules of a due time, are spread evenly over the window", () => {
  const share = (of: (index: number) => number) => {
    const quarters = [0, 0, 0, 0];
    for (let index = 0; index < 4000; index++) quarters[Math.floor((of(index) / MINUTE) * 4)]! += 1;
    return quarters;
  };
  const id = "0198c0de-0000-7000-8000-00000000";
  const byDue = share((index) => jitterMs("1m", `${id}0001`, index * MINUTE, (index + 1) * MINUTE));
  const bySchedule = share((index) => jitterMs("1m", id + String(index).padStart(4, "0"), 0, MINUTE));
  for (const count of [...byDue, ...bySchedule]) expect(Math.abs(count - 1000)).toBeLessThan(120);
});

test("nothing is added where no jitter was asked for, or its share has no interval", () => {
  expect([jitterMs(undefined, "a", 0, 1000), jitterMs("50%", "a", 0, undefined), jitterMs("0s", "a", 0, 1000)]).toEqual(
    [0, 0, 0],
  );
});
