import { expect, test } from "vitest";
import { declarationFacts } from "./declaration-facts.ts";

const facts = (declaration: object, isDev = false) =>
  Object.fromEntries(
    declarationFacts({ id: "t", filePath: "src/t.ts", kind: "STANDARD", ...declaration }, isDev).map(
      ({ label, value, note }) => [label, note === undefined ? value : `${value} | ${note}`],
    ),
  );

test("what a task does not declare is said as its default", () => {
  expect(facts({})).toEqual({
    Queue: "its own | task/t",
    Machine: "small-1x | 0.5 cpu, 0.5 GB, the default",
    Retry: "3 attempts (default) | after 1s to 60s, factor 2",
    "Max duration": "none",
    ttl: "none",
    Checkpoint: "as the project says",
    "Defined in": "src/t.ts",
  });
  expect(facts({}, true)).toMatchObject({ Retry: "no retry", ttl: "10m | the default in development" });
});

test("what it declares is said in its units", () => {
  expect(
    facts({
      queue: "emails",
      machine: "gpu",
      retry: { maxAttempts: 5, minTimeoutInMs: 500, maxTimeoutInMs: 300_000, outOfMemory: { machine: "large-1x" } },
      maxDuration: 5400,
      ttlMs: 600_000,
      checkpoint: { mode: "replay" },
      podTemplate: "gpu",
      exportName: "render",
    }),
  ).toEqual({
    Queue: "emails",
    Machine: "gpu | a preset of your installation",
    Retry: "5 attempts | after 0.5s to 5m, factor 2; out of memory: on large-1x",
    "Max duration": "90m | compute time; waits do not count",
    ttl: "10m | a run that has not started by then expires",
    Checkpoint: "mode: replay",
    "Pod template": "gpu | runs.templates in the chart",
    "Defined in": "src/t.ts | export render",
  });
});
