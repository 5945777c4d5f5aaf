import { expect, test } from "vitest";
import type { JournalView } from "../journal/journal-store.ts";
import { journalEntry } from "./journal-view.ts";

const ENTRY: JournalView = {
  entry: 3,
  kind: "step",
  key: "charge",
  label: "charge",
  attempt: 1,
  openedAt: new Date("2026-01-01T00:00:01Z"),
  startedAt: new Date("2026-01-01T00:00:00Z"),
  tries: 2,
  dueAt: undefined,
  tokenId: undefined,
  childRunId: undefined,
  batchId: undefined,
  completedAt: new Date("2026-01-01T00:00:01Z"),
  ok: true,
  value: Buffer.from('{"json":{"at":"2026-01-01"},"meta":{"values":{"at":["Date"]}}}'),
  valueType: "application/super+json",
  valueBytes: 62,
  error: undefined,
};

test("a step that succeeded shows its value as plain JSON, and how long it took", () => {
  expect(journalEntry(ENTRY)).toMatchObject({
    state: "COMPLETED",
    output: { at: "2026-01-01" },
    outputType: "application/super+json",
    outputBytes: 62,
    durationMs: 1000,
    tries: 2,
  });
});

test("a step that failed shows its error with its causes", () => {
  const error = { name: "Error", message: "no", code: "E1", cause: { name: "TypeError", message: "deep" } };
  expect(journalEntry({ ...ENTRY, ok: false, value: undefined, valueType: undefined, error })).toMatchObject({
    state: "FAILED",
    error: { message: "no", code: "E1", causes: [{ message: "deep" }] },
  });
});

test("a wait that is open has no end, no duration and no value", () => {
  const open = journalEntry({
    ...ENTRY,
    kind: "time",
    startedAt: undefined,
    completedAt: undefined,
    ok: undefined,
    value: undefined,
    valueType: undefined,
    dueAt: new Date("2027-01-01T00:00:00Z"),
  });
  expect(open).toMatchObject({ state: "OPEN", dueAt: "2027-01-01T00:00:00.000Z" });
  expect([open.completedAt, open.durationMs, open.output]).toEqual([undefined, undefined, undefined]);
});

test("a value above 4 KB shows its beginning, cut where a character ends, and its size", () => {
  const value = Buffer.from(`"${"é".repeat(3000)}"`);
  const viewed = value.subarray(0, 4100);
  const shown = journalEntry({ ...ENTRY, value: viewed, valueType: "application/json", valueBytes: value.length });
  expect(shown.output).toBeUndefined();
  expect(shown.outputBytes).toBe(6002);
  expect(shown.outputStart).toBe(`"${"é".repeat(2047)}`);
});
