import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { GroupCommit } from "./group-commit.ts";

class Bad extends Error {}
class Away extends Error {}

let batches: number[][];
let waiting: { items: number[]; done(): void }[];
let group: GroupCommit<number, string>;

beforeEach(() => {
  vi.useFakeTimers();
  batches = [];
  waiting = [];
  group = new GroupCommit({
    maxItems: 4,
    maxBytes: 100,
    maxWaitMs: 2,
    maxInFlight: 2,
    bytesOf: (item) => (item >= 1000 ? 60 : 1),
    isItemsFault: (error) => error instanceof Bad,
    run: (items) => {
      batches.push(items);
      return new Promise((resolve, reject) => {
        const done = () => {
          if (items.includes(13)) reject(new Bad("13"));
          else if (items.includes(503)) reject(new Away("away"));
          else resolve(items.map((item) => `r${item}`));
        };
        waiting.push({ items, done });
      });
    },
  });
});
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
async function serve(): Promise<void> {
  for (let rounds = 0; rounds < 50; rounds++) {
    for (const one of waiting.splice(0)) one.done();
    await pass(2);
  }
}

test("calls of one turn share a batch, and each gets its own result", async () => {
  const results = Promise.all([1, 2, 3].map((item) => group.add(item)));
  await serve();
  expect(await results).toEqual(["r1", "r2", "r3"]);
  expect(batches).toEqual([[1, 2, 3]]);
});

test("a single call waits for nobody while nothing is under way", async () => {
  const result = group.add(1);
  await pass(0);
  expect(batches).toEqual([[1]]);
  await serve();
  expect(await result).toBe("r1");
});

test("while a batch is under way the next gathers for 2 ms, and while two are, for as long as they take", async () => {
  const all = [group.add(1)];
  await pass(0);
  all.push(group.add(2));
  await pass(1);
  all.push(group.add(3));
  await pass(1);
  expect(batches).toEqual([[1], [2, 3]]);
  all.push(group.add(4));
  await pass(10);
  all.push(group.add(5));
  await pass(10);
  expect(batches).toHaveLength(2);
  await serve();
  expect(await Promise.all(all)).toEqual(["r1", "r2", "r3", "r4", "r5"]);
  expect(batches).toEqual([[1], [2, 3], [4, 5]]);
});

test("no batch has more items than allowed, and no more than two are ever under way", async () => {
  const all = Promise.all(Array.from({ length: 11 }, (_, n) => group.add(n + 20)));
  await pass(10);
  expect(batches.map((batch) => batch.length)).toEqual([4, 4]);
  await serve();
  await all;
  expect(batches.map((batch) => batch.length)).toEqual([4, 4, 3]);
});

test("no batch has more bytes than allowed, unless one item alone has", async () => {
  const all = Promise.all([1000, 1001, 1, 2].map((item) => group.add(item)));
  await serve();
  await all;
  expect(batches).toEqual([[1000], [1001, 1, 2]]);
});

test("what is one item's own fault is refused to that item alone", async () => {
  const all = Promise.allSettled([1, 2, 13, 3].map((item) => group.add(item)));
  await serve();
  expect((await all).map((one) => (one.status === "fulfilled" ? one.value : one.reason.message))).toEqual([
    "r1",
    "r2",
    "13",
    "r3",
  ]);
});

test("what is nobody's fault is refused to its batch, and to no other", async () => {
  const first = Promise.allSettled([group.add(1), group.add(503)]);
  await pass(0);
  const second = group.add(2);
  await serve();
  expect((await first).map((one) => one.status)).toEqual(["rejected", "rejected"]);
  expect(await second).toBe("r2");
  expect(batches).toEqual([[1, 503], [2]]);
});
