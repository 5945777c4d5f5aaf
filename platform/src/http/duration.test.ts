import { describe, expect, test } from "vitest";
import { formatDuration, parseDurationMs, parseFilterInstant, parseInstant } from "./duration.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

describe("a delay", () => {
  const cases: Record<string, { delay: string; wantMs: number | undefined }> = {
    "in seconds": { delay: "88s", wantMs: 88_000 },
    "in hours": { delay: "1h", wantMs: 3_600_000 },
    "in hours, as Trigger.dev also writes them": { delay: "2hr", wantMs: 7_200_000 },
    "in weeks": { delay: "2w", wantMs: 1_209_600_000 },
    "of several units": { delay: "1h52m18s", wantMs: 6_738_000 },
    "of zero": { delay: "0s", wantMs: 0 },
    "as an ISO date": { delay: "2026-01-02T00:00:00.000Z", wantMs: 86_400_000 },
    "as a date without a time": { delay: "2026-01-02", wantMs: 86_400_000 },
    "in the past": { delay: "2025-12-31T00:00:00Z", wantMs: -86_400_000 },
    "without a unit is refused": { delay: "10", wantMs: undefined },
    "with a fraction is refused": { delay: "1.5h", wantMs: undefined },
    "with an unknown unit is refused": { delay: "3 fortnights", wantMs: undefined },
    "that is negative is refused": { delay: "-5s", wantMs: undefined },
    "that is empty is refused": { delay: "", wantMs: undefined },
    "that is a word is refused": { delay: "tomorrow", wantMs: undefined },
    "of a thousand years is refused": { delay: "52000w", wantMs: undefined },
    "of absurdly many digits is refused": { delay: "999999999999999999999s", wantMs: undefined },
    "at an impossible date is refused": { delay: "2026-13-45", wantMs: undefined },
  };
  test.each(Object.entries(cases))("%s", (_title, { delay, wantMs }) => {
    const at = parseInstant(delay, NOW);
    expect(at === undefined ? undefined : at.getTime() - NOW).toBe(wantMs);
  });
});

test("a formatted duration reads back as itself", () => {
  for (const ms of [1000, 60_000, 90_000, 3_600_000, 5_400_000, 86_400_000, 1_209_600_000, 0]) {
    expect(parseDurationMs(formatDuration(ms))).toBe(ms);
  }
});

test("a list filter takes milliseconds and ISO dates, nothing else", () => {
  expect(parseFilterInstant("1767225600000")?.toISOString()).toBe("2026-01-01T00:00:00.000Z");
  expect(parseFilterInstant("2026-01-01")?.getTime()).toBe(NOW);
  expect(parseFilterInstant("soon")).toBeUndefined();
  expect(parseFilterInstant("99999999999999999")).toBeUndefined();
});
