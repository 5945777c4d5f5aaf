import { describe, expect, test } from "vitest";
import { openWaits, reasonWords } from "./explain-words.ts";

test("every reason has words, and an unknown one is what the cluster said", () => {
  expect(reasonWords("QUEUE_LIMIT")).toMatchObject({
    title: "Its queue's concurrency limit is reached",
    target: "queue",
  });
  expect(reasonWords("Unschedulable")).toMatchObject({ target: "cluster", tone: "warning" });
});

describe("what a waiting run says", () => {
  const waiting = {
    reasons: [
      {
        reason: "WAITING",
        message: "",
        details: { waits: [{ entry: 0, kind: "time", label: "600 seconds", dueAt: "2026-01-01T00:10:00.000Z" }] },
      },
    ],
  };
  test("names what it waits for, and until when", () => {
    expect(openWaits(waiting)).toEqual([
      { kind: "time", label: "600 seconds", dueAt: new Date("2026-01-01T00:10:00.000Z") },
    ]);
  });

  test("may say nothing", () => {
    expect([openWaits(undefined), openWaits({ reasons: [] })]).toEqual([[], []]);
  });
});
