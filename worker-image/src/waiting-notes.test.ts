import { expect, test } from "vitest";
import { decisionNote, unsafeWarning } from "./waiting-notes.ts";

const wait = (label: string) => ({ entry: 0, kind: "token" as const, label });

test.each([
  [["an answer"], "The run waits for an answer; its process is kept: HOLD_MODE. The task's checkpoint mode is hold."],
  [["a", "b", "c", "d", "e"], "The run waits for a, b, c, 2 more; its process is kept: HOLD_MODE. The task's"],
])("what is waited for is named, as far as it is not too much: %j", (labels, want) => {
  expect(decisionNote(labels.map(wait), { mode: "hold", reason: "HOLD_MODE" })).toContain(want);
});

test("a process that leaves is said to", () => {
  expect(decisionNote([wait("an answer")], { mode: "replay", reason: "LONG_WAIT" })).toContain(
    "its process ends, and it goes on in another: LONG_WAIT.",
  );
});

test.each([
  [
    { what: "bytes sent", call: "emails.send", line: "welcome.ts:14" },
    "Bytes sent: wrap emails.send (welcome.ts:14) in step.run to free this process",
  ],
  [{ what: "bytes sent", line: "a.ts:3" }, "Bytes sent: wrap the call (a.ts:3) in step.run to free this process"],
  [{ what: "randomness read" }, "Randomness read: wrap the call in step.run to free this process"],
  [
    { what: 'a file written in a step that does not say files: "disposable"', call: "writeFile", line: "a.ts:3" },
    'A file written in a step that does not say files: "disposable": writeFile (a.ts:3) keeps this process',
  ],
])("a line that keeps a process is told how it is repaired: %j", (effect, want) => {
  expect(unsafeWarning(effect)).toBe(want);
});
