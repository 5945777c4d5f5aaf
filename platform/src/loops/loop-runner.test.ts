import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Logger } from "../logging.ts";
import type { Loop } from "./loop.ts";
import { LoopRunner } from "./loop-runner.ts";

const errors: unknown[] = [];
const logger = { error: (fields: object) => errors.push(fields) } as unknown as Logger;
let runner: LoopRunner;
let ticks: number;

beforeEach(() => {
  vi.useFakeTimers();
  ticks = 0;
  errors.length = 0;
});
afterEach(async () => {
  await runner.stop();
  vi.useRealTimers();
});

function start(over: Partial<Loop> = {}): void {
  const loop: Loop = {
    name: "loop",
    everyMs: 1000,
    leaderOnly: false,
    tick: async () => {
      ticks++;
    },
    ...over,
  };
  runner = new LoopRunner([loop], { clock: { now: () => Date.now() }, logger });
  runner.start();
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("ticks at once, then by its period", async () => {
  start();
  await pass(0);
  expect(ticks).toBe(1);
  await pass(999);
  expect(ticks).toBe(1);
  await pass(2001);
  expect(ticks).toBe(4);
});

test("ticks sooner when woken; many wakes are one", async () => {
  start();
  await pass(10);
  for (let i = 0; i < 5; i++) runner.wake("loop");
  await pass(1);
  expect(ticks).toBe(2);
});

test("a wake during a tick makes it tick again, once", async () => {
  let release = () => {};
  start({
    tick: async () => {
      ticks++;
      if (ticks === 1) await new Promise<void>((done) => (release = done));
    },
  });
  await pass(0);
  runner.wake("loop");
  runner.wake("loop");
  await pass(50);
  expect(ticks).toBe(1);
  release();
  await pass(1);
  expect(ticks).toBe(2);
  await pass(900);
  expect(ticks).toBe(2);
});

test("rests between ticks however often it is woken", async () => {
  start({ minGapMs: 10 });
  await pass(1);
  runner.wake("loop");
  await pass(8);
  expect(ticks).toBe(1);
  await pass(2);
  expect(ticks).toBe(2);
});

test("a tick may ask for the next sooner than its period, never later", async () => {
  let wanted = 20;
  start({
    tick: async () => {
      ticks++;
      return wanted;
    },
  });
  await pass(19);
  expect(ticks).toBe(1);
  wanted = 5000;
  await pass(2);
  expect(ticks).toBe(2);
  await pass(1000);
  expect(ticks).toBe(3);
});

test("a tick that throws is logged and tried again after the period", async () => {
  start({
    tick: () => {
      ticks++;
      throw new Error("not now");
    },
  });
  await pass(0);
  expect(errors).toHaveLength(1);
  await pass(1000);
  expect(ticks).toBe(2);
});

test("stop waits for the tick under way, and nothing ticks after it", async () => {
  let release = () => {};
  start({ tick: () => new Promise<void>((done) => (release = done)) });
  await pass(0);
  let isStopped = false;
  const stopped = runner.stop().then(() => (isStopped = true));
  await pass(0);
  expect(isStopped).toBe(false);
  release();
  await stopped;
  runner.wake("loop");
  await pass(5000);
  expect(vi.getTimerCount()).toBe(0);
});
