import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { ExpiringCache } from "./expiring-cache.ts";

function cacheWithCounter(maxEntries = 10) {
  const clock = new FakeClock();
  const cache = new ExpiringCache<string, number>({ clock, ttlMs: 1000, maxEntries });
  let asked = 0;
  return { clock, cache, ask: async () => ++asked };
}

describe("the expiring cache", () => {
  test("asks once until the answer is too old", async () => {
    const { clock, cache, ask } = cacheWithCounter();
    expect([await cache.get("a", ask), await cache.get("a", ask)]).toEqual([1, 1]);
    clock.advance(1000);
    expect(await cache.get("a", ask)).toBe(2);
  });

  test("shares one question between callers at the same time", async () => {
    const { cache, ask } = cacheWithCounter();
    expect(await Promise.all([cache.get("a", ask), cache.get("a", ask)])).toEqual([1, 1]);
  });

  test("forgets a question that failed", async () => {
    const { cache, ask } = cacheWithCounter();
    await expect(cache.get("a", () => Promise.reject(new Error("away")))).rejects.toThrow("away");
    expect(await cache.get("a", ask)).toBe(1);
  });

  test("never holds more than it may, the oldest go first", async () => {
    const { cache, ask } = cacheWithCounter(2);
    for (const key of ["a", "b", "c"]) await cache.get(key, ask);
    expect([await cache.get("c", ask), await cache.get("b", ask), await cache.get("a", ask)]).toEqual([3, 2, 4]);
  });

  test("forgets on demand", async () => {
    const { cache, ask } = cacheWithCounter();
    await cache.get("a", ask);
    cache.delete("a");
    expect(await cache.get("a", ask)).toBe(2);
  });
});
