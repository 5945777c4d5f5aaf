import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FailedCheckpoints } from "./failed-checkpoints.ts";
import { NotStored, type NotStoredReason } from "./not-stored.ts";

let failed: FailedCheckpoints;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  failed = new FailedCheckpoints();
});
afterEach(() => void vi.useRealTimers());

const WAIT = { known: 3, said: "waits" };
const fails = (reason: NotStoredReason) => failed.note(new NotStored(reason, "why"), WAIT);
const passes = (ms: number) => void vi.advanceTimersByTime(ms);

test("nothing stands in the way of the first", () => {
  expect(failed.obstacle(WAIT)).toBeUndefined();
});

test("one that failed is tried again after half a minute, then after twice that", () => {
  fails("CHECKPOINT_FAILED");
  expect(failed.obstacle(WAIT)).toEqual({
    is: "unable",
    reason: "CHECKPOINT_FAILED",
    detail: "why",
    askAgainInMs: 30_000,
  });
  passes(30_000);
  expect(failed.obstacle(WAIT)).toBeUndefined();
  fails("CHECKPOINT_FAILED");
  expect(failed.obstacle(WAIT)).toMatchObject({ askAgainInMs: 60_000 });
});

const LATER = { ...WAIT, said: "waits, and is busy no more" };
const NEXT = { known: 4, said: "waits" };
test.each<[NotStoredReason, boolean, boolean, boolean]>([
  ["CHECKPOINT_FAILED", true, false, true],
  ["CHECKPOINT_REFUSED", false, true, true],
  ["CHECKPOINT_TOO_LARGE", false, false, true],
])(
  "after %s another is tried: by time %s, when the process has changed %s, at its next wait %s",
  (reason, byTime, byChange, byWait) => {
    fails(reason);
    expect(failed.obstacle(WAIT)).toMatchObject({ reason });
    expect(failed.obstacle(LATER) === undefined).toBe(byChange);
    expect(failed.obstacle(NEXT) === undefined).toBe(byWait);
    passes(86_400_000);
    expect(failed.obstacle(WAIT) === undefined).toBe(byTime);
  },
);
