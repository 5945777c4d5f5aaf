import { describe, expect, test } from "vitest";
import { holdReason, parseConcurrencyLimit, queueState, runningShare } from "./queue-facts.ts";

const queue = (change: object) => ({
  running: 0,
  queued: 0,
  paused: false,
  concurrencyLimit: null,
  oldestQueuedAt: null,
  ...change,
});

describe("a queue", () => {
  test.each([
    ["is idle without runs", {}, 10, "idle", undefined],
    ["is busy with runs", { running: 1 }, 10, "busy", undefined],
    ["is full at its limit", { running: 2, queued: 5, concurrencyLimit: 2 }, 10, "full", "Its concurrency"],
    ["is full at the environment's limit", { running: 10, queued: 5 }, 10, "full", "The environment's"],
    ["is not full while nobody waits", { running: 2, concurrencyLimit: 2 }, 10, "busy", undefined],
    ["is paused whatever it has", { paused: true, queued: 3 }, 10, "paused", "The queue is paused"],
    ["holds all at a limit of 0", { queued: 1, concurrencyLimit: 0 }, 10, "full", "limit is 0"],
  ])("%s", (_title, change, limit, wantState, wantReason) => {
    expect(queueState(queue(change), limit)).toBe(wantState);
    if (wantReason === undefined) expect(holdReason(queue(change), limit)).toBeUndefined();
    else expect(holdReason(queue(change), limit)).toContain(wantReason);
  });
});

test("the share of a limit is between 0 and 1, and unknown without one", () => {
  expect([runningShare(1, 4), runningShare(9, 4), runningShare(0, 0), runningShare(3, null)]).toEqual([
    0.25,
    1,
    1,
    undefined,
  ]);
});

test.each([
  ["5", 5],
  [" 0 ", 0],
  ["100000", 100_000],
  ["100001", undefined],
  ["-1", undefined],
  ["1.5", undefined],
  ["", undefined],
])("%j as a limit", (text, want) => {
  expect(parseConcurrencyLimit(text)).toBe(want);
});
