import { describe, expect, test } from "vitest";
import { durationWords, pointLabel, successRate, volumeWords } from "./task-series.ts";

describe("the share of runs that ended well", () => {
  test.each([
    [{ runs: 0, failed: 0 }, undefined],
    [{ runs: 10, failed: 0 }, "100 %"],
    [{ runs: 3, failed: 1 }, "66.6 %"],
    [{ runs: 100_000, failed: 1 }, "99.9 %"],
    [{ runs: 2, failed: 2 }, "0 %"],
  ])("of %o is %s", (stats, want) => {
    expect(successRate(stats)).toBe(want);
  });
});

test("charts say their numbers in words", () => {
  expect(volumeWords({ runs: 1204, failed: 3 }, "24 hours")).toBe("1,204 runs ended in 24 hours, 3 failed");
  expect(volumeWords({ runs: 1, failed: 0 }, "1 hour")).toBe("1 run ended in 1 hour");
  expect(durationWords({ p50Ms: 1200, p95Ms: 64_000 })).toBe("half took at most 1.2 s, 95 % at most 1m 04s");
  expect(durationWords({ p50Ms: null, p95Ms: null })).toBe("no run has ended");
});

test("points are named by time, and by day where there are several", () => {
  const at = new Date(2026, 10, 22, 14, 0);
  expect(pointLabel(at, 3_600_000, 24 * 3_600_000)).toBe("14:00");
  expect(pointLabel(at, 3_600_000, 7 * 24 * 3_600_000)).toBe("22 Nov 14:00");
  expect(pointLabel(at, 24 * 3_600_000, 30 * 24 * 3_600_000)).toBe("22 Nov");
});
