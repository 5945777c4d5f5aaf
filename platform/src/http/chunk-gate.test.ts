import { expect, test } from "vitest";
import { ChunkGate } from "./chunk-gate.ts";

const here = () => new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Work that says that it has begun, and ends when it is told to. */
function works() {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (n: number) => () => {
    begun.push(n);
    return new Promise<number>((resolve) => (ends[n] = () => resolve(n)));
  };
  return { begun, ends, work };
}

test("lets so many in, and the others in the order in which they came", async () => {
  const gate = new ChunkGate(2, 10);
  const { begun, ends, work } = works();
  const all = [0, 1, 2, 3].map((n) => gate.through(here(), work(n)));
  await settled();
  expect([begun, gate.waiting]).toEqual([[0, 1], 2]);
  ends[1]?.();
  await settled();
  expect(begun).toEqual([0, 1, 2]);
  for (const n of [0, 2]) ends[n]?.();
  await settled();
  ends[3]?.();
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
  expect(gate.waiting).toBe(0);
});

test("work that fails leaves its place", async () => {
  const gate = new ChunkGate(1, 10);
  await expect(gate.through(here(), () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await gate.through(here(), async () => "yes")).toBe("yes");
});

test("who has gone is passed over, and whoever comes later has its place", async () => {
  const gate = new ChunkGate(1, 10);
  const { begun, ends, work } = works();
  const first = gate.through(here(), work(0));
  const gone = new AbortController();
  const second = gate.through(gone.signal, work(1)).catch((error: { code: string }) => error.code);
  const third = gate.through(here(), work(2));
  gone.abort();
  expect(await second).toBe("BAD_REQUEST");
  ends[0]?.();
  await first;
  await settled();
  expect(begun).toEqual([0, 2]);
  ends[2]?.();
  expect(await third).toBe(2);
});

test("who has gone before its turn could be asked for does not wait at all", async () => {
  const gate = new ChunkGate(1, 10);
  const { ends, work } = works();
  const first = gate.through(here(), work(0));
  await expect(gate.through(AbortSignal.abort(), work(1))).rejects.toMatchObject({ code: "BAD_REQUEST" });
  ends[0]?.();
  await first;
  expect(gate.waiting).toBe(0);
});

test("more than may wait are told to come again", async () => {
  const gate = new ChunkGate(1, 1);
  const { ends, work } = works();
  const inside = [gate.through(here(), work(0)), gate.through(here(), work(1))];
  await expect(gate.through(here(), work(2))).rejects.toMatchObject({ code: "CHECKPOINTS_BUSY" });
  ends[0]?.();
  await settled();
  ends[1]?.();
  expect(await Promise.all(inside)).toEqual([0, 1]);
});
