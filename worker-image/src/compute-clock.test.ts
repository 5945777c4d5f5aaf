import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ComputeClock } from "./compute-clock.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

test("time is counted while it goes, and the limit comes when that much has been counted", () => {
  const onLimit = vi.fn<() => void>();
  const clock = new ComputeClock(1_000, onLimit);
  clock.go();
  vi.advanceTimersByTime(600);
  clock.stand();
  vi.advanceTimersByTime(60_000);
  expect(clock.ms).toBe(600);
  clock.go();
  vi.advanceTimersByTime(399);
  expect(onLimit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(2);
  expect(onLimit).toHaveBeenCalledOnce();
});

test("going twice, and standing twice, counts once", () => {
  const clock = new ComputeClock(undefined, () => undefined);
  clock.go();
  vi.advanceTimersByTime(100);
  clock.go();
  vi.advanceTimersByTime(100);
  clock.stand();
  vi.advanceTimersByTime(100);
  clock.stand();
  expect(clock.ms).toBe(200);
});

test("a limit beyond what a timer can hold is not reached at once", () => {
  const onLimit = vi.fn<() => void>();
  const clock = new ComputeClock(2 ** 31 + 5_000, onLimit);
  clock.go();
  vi.advanceTimersByTime(2 ** 31);
  expect(onLimit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(5_001);
  expect(onLimit).toHaveBeenCalledOnce();
});
