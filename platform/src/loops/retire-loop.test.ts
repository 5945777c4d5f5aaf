import { expect, test } from "vitest";
import type { Executor } from "../cluster/executor.ts";
import { retireLoop } from "./retire-loop.ts";

function world() {
  const candidates = new Set<string>();
  const idle = new Set<string>();
  const asked: string[] = [];
  const told: string[] = [];
  const loop = retireLoop({
    candidates: () => candidates,
    isIdle: async (id) => {
      asked.push(id);
      return idle.has(id);
    },
    retired: (id) => candidates.delete(id),
    executor: { retire: async (id: string) => void told.push(id) } as unknown as Executor,
  });
  return { candidates, idle, asked, told, loop };
}

test("a version that nobody needs is retired once", async () => {
  const { candidates, idle, told, loop } = world();
  candidates.add("old");
  idle.add("old");
  await loop.tick(0);
  await loop.tick(5_000);
  expect(told).toEqual(["old"]);
});

test("one that is needed is looked at less and less often, up to a minute", async () => {
  const { candidates, asked, told, loop } = world();
  candidates.add("busy");
  const looks: number[] = [];
  for (let now = 0; now <= 300_000; now += 5_000) {
    const before = asked.length;
    await loop.tick(now);
    if (asked.length > before) looks.push(now);
  }
  expect(looks).toEqual([0, 5_000, 15_000, 35_000, 75_000, 135_000, 195_000, 255_000]);
  expect(told).toEqual([]);
});

test("one that comes again is looked at at once", async () => {
  const { candidates, asked, loop } = world();
  candidates.add("a");
  await loop.tick(0);
  candidates.delete("a");
  await loop.tick(1_000);
  candidates.add("a");
  await loop.tick(2_000);
  expect(asked).toEqual(["a", "a"]);
});
