import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { formatLimit, LIMIT_GROUPS, parseLimit, usageLevel } from "./limit-facts.ts";

test("every limit there is has its words, once", () => {
  const shown = LIMIT_GROUPS.flatMap(({ limits }) => Object.keys(limits));
  expect(shown.toSorted()).toEqual(Object.keys(DEFAULT_LIMITS).toSorted());
});

describe("a limit", () => {
  test.each([
    [3 * 1024 * 1024, "bytes", "3 MB"],
    [256 * 1024, "bytes", "256 kB"],
    [1000, "bytes", "1000 B"],
    [30 * 86_400_000, "milliseconds", "30d"],
    [600_000, "milliseconds", "10m"],
    [1500, "milliseconds", "1500ms"],
    [30, "days", "30d"],
    [1_000_000, "count", "1,000,000"],
    [-1, "count", "-1"],
  ] as const)("%d %s is written %s, and read again", (value, unit, want) => {
    expect(formatLimit(value, unit)).toBe(want);
    expect(parseLimit(want, unit)).toBe(value);
  });

  test.each([
    ["5mb", "bytes", 5 * 1024 * 1024],
    ["5 MiB", "bytes", 5 * 1024 * 1024],
    ["2w", "days", 14],
    ["1.5h", "milliseconds", 5_400_000],
    ["1 000", "count", 1000],
  ] as const)("%s of %s is read too", (text, unit, want) => {
    expect(parseLimit(text, unit)).toBe(want);
  });

  test.each([
    ["", "count"],
    ["many", "count"],
    ["5 MB", "count"],
    ["1.5", "count"],
    ["5h", "days"],
    ["3 parsecs", "milliseconds"],
  ] as const)("%j is no %s", (text, unit) => {
    expect(parseLimit(text, unit)).toBeUndefined();
  });
});

test.each([
  [79, 100, "ok"],
  [80, 100, "near"],
  [100, 100, "full"],
  [5, -1, "ok"],
  [0, 0, "full"],
] as const)("%d of %d is %s", (used, value, want) => {
  expect(usageLevel(used, value)).toBe(want);
});
