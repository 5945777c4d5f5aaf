import { describe, expect, test } from "vitest";
import { bulkFilter, filtersOf, isFiltered, listParams, matches } from "./run-filters.ts";

test("filters come from the address as they were put there, without what is mistyped", () => {
  const filters = filtersOf({
    status: "FAILED,NOPE,CRASHED",
    tag: "a, b,a",
    period: "7d",
    from: "soon",
    search: " x ",
  });
  expect(filters).toMatchObject({ status: ["FAILED", "CRASHED"], tag: ["a", "b"], period: "7d", search: "x" });
  expect(filters.from).toBeUndefined();
  expect(isFiltered(filters)).toBe(true);
  expect(isFiltered(filtersOf({ tab: "x", status: "NOPE" }))).toBe(false);
});

test("the list and a bulk action mean the same runs; without a filter a bulk action means all that is kept", () => {
  const filters = filtersOf({
    status: "FAILED",
    task: "send",
    queue: "mail",
    error: "abc",
    parent: "run_1",
    from: "2026-01-02T00:00:00Z",
  });
  expect(listParams(filters)).toMatchObject({ status: ["FAILED"], taskIdentifier: ["send"], error: "abc" });
  expect(bulkFilter(filters)).toEqual({
    status: ["FAILED"],
    taskIdentifier: ["send"],
    queue: ["mail"],
    error: "abc",
    parentRunId: "run_1",
    from: "2026-01-02T00:00:00Z",
  });
  expect(bulkFilter(filtersOf({}))).toEqual({ period: "30d" });
});

describe("a run that is heard of", () => {
  const now = Date.parse("2026-01-10T12:00:00Z");
  const run = {
    id: "run_1",
    status: "FAILED" as const,
    taskIdentifier: "send",
    tags: ["user_1", "eu"],
    version: "20260110.1",
    queue: "task/send",
    createdAt: new Date(now - 7_200_000),
  };
  test.each([
    [{}, true],
    [{ status: "FAILED,CRASHED" }, true],
    [{ status: "COMPLETED" }, false],
    [{ task: "send", version: "20260110.1", queue: "task/send" }, true],
    [{ tag: "user_9,eu" }, true],
    [{ tag: "user_9" }, false],
    [{ batch: "batch_1" }, false],
    [{ period: "1h" }, false],
    [{ period: "1h30m" }, false],
    [{ period: "3h" }, true],
    [{ from: "2026-01-10T11:00:00Z" }, false],
    [{ to: "2026-01-10T11:00:00Z" }, true],
    [{ search: "x" }, "unknown"],
    [{ search: "x", status: "QUEUED" }, false],
    [{ error: "f00" }, "unknown"],
  ])("with %j belongs to the list: %s", (search, want) => {
    expect(matches(run, filtersOf(search as Record<string, string>), now)).toBe(want);
  });
});
