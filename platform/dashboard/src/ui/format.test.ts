import { describe, expect, test } from "vitest";
import { formatBytes, formatDuration, formatRelative } from "./format.ts";

describe("durations have one or two units", () => {
  test.each([
    [0, "0 ms"],
    [999, "999 ms"],
    [1_000, "1.0 s"],
    [9_940, "9.9 s"],
    [9_960, "10 s"],
    [59_400, "59 s"],
    [59_600, "1m 00s"],
    [185_000, "3m 05s"],
    [3_599_400, "59m 59s"],
    [3_599_800, "1h 00m"],
    [7_800_000, "2h 10m"],
    [86_399_000, "1d 0h"],
    [273_600_000, "3d 4h"],
    [Number.NaN, "–"],
  ])("%d is %s", (ms, want) => expect(formatDuration(ms)).toBe(want));
});

describe("distances in time have one unit", () => {
  test.each([
    [0, "now"],
    [42_000, "42s ago"],
    [-180_000, "in 3m"],
    [3_600_000, "1h ago"],
    [432_000_000, "5d ago"],
  ])("%d ms is %s", (distance, want) => expect(formatRelative(1_000_000_000 - distance, 1_000_000_000)).toBe(want));
});

describe("bytes", () => {
  test.each([
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_434, "1.4 kB"],
    [3 * 1024 ** 2, "3 MB"],
    [1024 ** 2 - 100, "1 MB"],
  ])("%d is %s", (bytes, want) => expect(formatBytes(bytes)).toBe(want));
});
