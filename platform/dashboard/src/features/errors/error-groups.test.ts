import { describe, expect, test } from "vitest";
import { affectedVersions, bulkProgress, seriesPoints } from "./error-groups.ts";

test("versions are counted, the newest first", () => {
  const runs = ["20260101.2", "20260101.10", undefined, "20260101.2"].map((version) => ({ version }));
  expect(affectedVersions(runs)).toEqual([
    { version: "20260101.10", count: 1 },
    { version: "20260101.2", count: 2 },
  ]);
});

describe("a bulk action", () => {
  const cases: Record<string, { isSelected: boolean; counts: [number, number, number]; want: number | undefined }> = {
    "is nowhere while its runs are being chosen": { isSelected: false, counts: [3, 1, 0], want: undefined },
    "is as far as what is done, well or not": { isSelected: true, counts: [4, 1, 1], want: 0.5 },
    "without runs is done": { isSelected: true, counts: [0, 0, 0], want: 1 },
  };
  test.each(Object.entries(cases))("%s", (_, { isSelected, counts: [total, success, failure], want }) => {
    expect(bulkProgress({ isSelected, counts: { total, success, failure } })).toBe(want);
  });
});

test("stretches of a day are told apart by their time, longer ones by their date too", () => {
  const series = [{ at: new Date("2026-01-01T10:00:00Z"), count: 2 }];
  expect(seriesPoints({ series, bucketMs: 3600_000 })[0]?.label).toMatch(/^\d\d:\d\d$/);
  expect(seriesPoints({ series, bucketMs: 30 * 24 * 3600_000 })[0]?.label).toMatch(/Jan/);
});
