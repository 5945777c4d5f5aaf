import { describe, expect, test } from "vitest";
import { checkpointOf, openWaits, reasonWords } from "./explain-words.ts";

test("every reason has words, and an unknown one is what the cluster said", () => {
  expect(reasonWords("QUEUE_LIMIT")).toMatchObject({
    title: "Its queue's concurrency limit is reached",
    target: "queue",
  });
  expect(reasonWords("Unschedulable")).toMatchObject({ target: "cluster", tone: "warning" });
});

describe("what a waiting run says", () => {
  const held = {
    reasons: [
      {
        reason: "WAITING",
        message: "",
        details: { waits: [{ entry: 0, kind: "time", label: "600 seconds", dueAt: "2026-01-01T00:10:00.000Z" }] },
      },
      {
        reason: "WORKER_HELD",
        message: "",
        details: {
          mode: "hold",
          reason: "UNSAFE",
          ifLost: { then: "fail", because: "bytes sent by fetch (shop.ts:37)" },
        },
      },
    ],
  };
  test("names the line that keeps its process", () => {
    expect(checkpointOf(held)).toEqual({ mode: "hold", reason: "UNSAFE", because: "bytes sent by fetch (shop.ts:37)" });
  });

  test("names what it waits for, and until when", () => {
    expect(openWaits(held)).toEqual([
      { kind: "time", label: "600 seconds", dueAt: new Date("2026-01-01T00:10:00.000Z") },
    ]);
  });

  test("may say neither", () => {
    expect([checkpointOf(undefined), openWaits({ reasons: [] })]).toEqual([undefined, []]);
  });
});
