import { expect, test } from "vitest";
import { findItems, type PaletteItem, runIdIn } from "./palette-items.ts";

const items = [
  { label: "Runs", keywords: "list jobs" },
  { label: "Errors", keywords: "dead letters" },
  { label: "send-welcome-email" },
  { label: "API keys", keywords: "secret" },
  { label: "Test", keywords: "trigger" },
].map((each): PaletteItem => ({ id: each.label, kind: "", icon: "dot", go: () => undefined, ...each }));

test.each([
  ["", ["Runs", "Errors", "send-welcome-email", "API keys", "Test"]],
  ["ru", ["Runs"]],
  ["e", ["Errors", "send-welcome-email", "API keys", "Test"]],
  ["email", ["send-welcome-email"]],
  ["swe", ["send-welcome-email"]],
  ["dead", ["Errors"]],
  ["TRIG", ["Test"]],
  ["zz", []],
])("%j finds %j", (typed, want) => {
  expect(findItems(items, typed).map(({ label }) => label)).toEqual(want);
});

test("a run's id is found in whatever was pasted", () => {
  const id = `run_${"0123456789".repeat(3).slice(0, 26)}`;
  expect(runIdIn(`  https://gantry.test/projects/a/b/runs/${id}?tab=logs `)).toBe(id);
  expect(runIdIn("run_short")).toBeUndefined();
});
