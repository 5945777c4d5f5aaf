import { expect, test } from "vitest";
import { readCheckpoint } from "./checkpoint-option.ts";
import { wantsProcessCheckpoints } from "./checkpoint-policy.ts";

const accepted: Record<string, { option: unknown; want: object }> = {
  "a mode alone": { option: "process", want: { mode: "process" } },
  "what differs from the default": { option: { process: true, holdMs: 0 }, want: { process: true, holdMs: 0 } },
  "what is undefined is not said": { option: { mode: "auto", process: undefined }, want: { mode: "auto" } },
};
test.each(Object.entries(accepted))("checkpoint is read: %s", (_, { option, want }) => {
  expect(readCheckpoint(option)).toEqual(want);
});

const refused: Record<string, { option: unknown; want: string }> = {
  "a mode that is none": { option: "proces", want: `has mode: "proces"; did you mean "process"?` },
  "a mode far from any": {
    option: "sleep",
    want: `has mode: "sleep": it takes "auto" or "hold" or "replay" or "process"`,
  },
  "an option that is none": { option: { proces: true }, want: `has no option "proces"; did you mean "process"?` },
  "a word where a yes or no belongs": {
    option: { process: "yes" },
    want: `has process: "yes": it takes true or false`,
  },
  "a yes where an object belongs": {
    option: true,
    want: `is true: it is a mode ("auto" or "hold" or "replay" or "process") or an object`,
  },
};
test.each(Object.entries(refused))("checkpoint is refused in words: %s", (_, { option, want }) => {
  expect(readCheckpoint(option)).toBe(want);
});

test.each([
  ["auto", false, false],
  ["auto", true, true],
  ["process", false, true],
  ["hold", true, false],
  ["replay", true, false],
] as const)("mode %s with process: %s wants workers that can be stored: %s", (mode, process, want) => {
  expect(wantsProcessCheckpoints({ mode, process })).toBe(want);
});
