import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Coalesced } from "./coalesced.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a coalesced value", () => {
  test("tells its first change at once", () => {
    const value = new Coalesced(0, 50);
    const seen: number[] = [];
    value.listen(() => seen.push(value.value));
    value.set(1);
    expect(seen).toEqual([1]);
  });

  test("tells at most twenty of a thousand changes a second, and the last one always", () => {
    const value = new Coalesced(0, 50);
    const seen: number[] = [];
    value.listen(() => seen.push(value.value));
    for (let n = 1; n <= 1000; n++) {
      value.set(n);
      vi.advanceTimersByTime(1);
    }
    vi.advanceTimersByTime(50);
    expect(seen.length).toBeLessThanOrEqual(21);
    expect(seen.at(-1)).toBe(1000);
  });

  test("shows between two announcements what was announced", () => {
    const value = new Coalesced("a", 50);
    value.set("b");
    value.set("c");
    expect([value.value, value.latest]).toEqual(["b", "c"]);
    vi.advanceTimersByTime(50);
    expect(value.value).toBe("c");
  });

  test("calls a listener that was taken off no more", () => {
    const value = new Coalesced(0, 50);
    const listener = vi.fn();
    value.listen(listener);
    value.unlisten(listener);
    value.set(1);
    expect(listener).not.toHaveBeenCalled();
  });
});
