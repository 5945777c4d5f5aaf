import { expect, test } from "vitest";
import { groupSteps, runtimeWords } from "./build-facts.ts";

const line = (index: number, message: string, step?: string) => ({ index, message, step, at: new Date(index * 1000) });

test("lines lie under their steps, and a step ends where the next begins", () => {
  const steps = groupSteps(
    [line(0, "Fetching the base", "base"), line(1, "layer 1"), line(2, "layer 2"), line(5, "Pushing", "push")],
    new Date(9000),
  );
  expect(steps).toMatchObject([
    { step: "base", message: "Fetching the base", endedAt: new Date(5000), lines: [{ index: 1 }, { index: 2 }] },
    { step: "push", message: "Pushing", endedAt: new Date(9000), lines: [] },
  ]);
});

test("the last step of a build that goes on has no end", () => {
  expect(groupSteps([line(0, "Pushing", "push")], undefined)).toMatchObject([{ endedAt: undefined }]);
});

test("what is said before any step is kept", () => {
  expect(groupSteps([line(0, "hello"), line(1, "Go", "build")], undefined)).toMatchObject([
    { step: "", lines: [{ message: "hello" }] },
    { step: "build" },
  ]);
  expect(groupSteps([], undefined)).toEqual([]);
});

test.each([
  ["node", "24.21.0", "Node.js 24.21.0"],
  ["node-24.21.0", null, "Node.js 24.21.0"],
  ["bun", null, "bun"],
  [null, null, ""],
])("a runtime %s of %s is written %s", (runtime, version, want) => {
  expect(runtimeWords(runtime, version)).toBe(want);
});
