import { expect, test } from "vitest";
import { nodeCheckpoints } from "./checkpoint-nodes-policy.ts";

const tried = (name: string, works: boolean) => ({
  name,
  works,
  reason: works ? null : "CRIU may not be run here",
  arch: "x64",
  kernel: "6.18.1",
  seenAt: "2026-01-01T00:00:00.000Z",
});
const NODES = [{ name: "a" }, { name: "b" }, { name: "c" }];

test("each node works, fails, was not tried, or is gone", () => {
  const states = nodeCheckpoints([tried("z", true), tried("b", false), tried("a", true)], NODES);
  expect(states.map(({ name, state }) => `${name} ${state}`)).toEqual(["a works", "b fails", "c untried", "z gone"]);
  expect(states[1]?.tried?.reason).toBe("CRIU may not be run here");
});

test("where nobody may see which nodes there are, those that were tried are what is known", () => {
  const states = nodeCheckpoints([tried("b", false), tried("a", true)], null);
  expect(states.map(({ name, state }) => `${name} ${state}`)).toEqual(["a works", "b fails"]);
});
