import { describe, expect, it } from "vitest";
import { readDate, readPeriod } from "./wait-period-policy.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2026-01-01T12:00:00Z");

describe("a wait's duration", () => {
  const GOOD: Record<string, { given: object; wantMs: number; wantLabel: string }> = {
    "a second": { given: { seconds: 1 }, wantMs: 1000, wantLabel: "1 second" },
    "part of a second": { given: { seconds: 0.25 }, wantMs: 250, wantLabel: "0.25 seconds" },
    nothing: { given: { minutes: 0 }, wantMs: 0, wantLabel: "0 minutes" },
    "a month is 30 days": { given: { months: 1 }, wantMs: 30 * DAY_MS, wantLabel: "1 month" },
    "ten years": { given: { years: 10 }, wantMs: 3650 * DAY_MS, wantLabel: "10 years" },
    "a hundred years": { given: { years: 100 }, wantMs: 36_500 * DAY_MS, wantLabel: "100 years" },
    "several units add up": { given: { hours: 1, minutes: 30 }, wantMs: 5_400_000, wantLabel: "1 hour 30 minutes" },
    "an option that is undefined is not given": {
      given: { days: 2, hours: undefined },
      wantMs: 2 * DAY_MS,
      wantLabel: "2 days",
    },
    "other options are left alone": { given: { days: 1, idempotencyKey: "k" }, wantMs: DAY_MS, wantLabel: "1 day" },
  };
  it.each(Object.entries(GOOD))("%s", (_title, { given, wantMs, wantLabel }) => {
    expect(readPeriod(given, ["idempotencyKey"])).toEqual({ ms: wantMs, label: wantLabel });
  });

  const BAD: Record<string, { given: unknown; want: string }> = {
    "no object": { given: 5, want: "wait.for got 5" },
    "nothing at all": { given: undefined, want: "wait.for got undefined" },
    "no unit": { given: {}, want: "seconds, minutes" },
    "a unit that is none": { given: { second: 5 }, want: 'did you mean "seconds"?' },
    "an option that is none": { given: { days: 1, colour: 1 }, want: 'no option "colour"' },
    "a text": { given: { seconds: "5" }, want: 'seconds: "5"' },
    NaN: { given: { hours: Number.NaN }, want: "hours: NaN" },
    infinity: { given: { hours: Number.POSITIVE_INFINITY }, want: "at most 100 years" },
    "less than nothing": { given: { days: -1 }, want: "days: -1" },
    "more than a hundred years": { given: { years: 101 }, want: "years: 101" },
    "more than a hundred years together": { given: { years: 100, days: 1 }, want: "100 years 1 day" },
  };
  it.each(Object.entries(BAD))("is refused by name: %s", (_title, { given, want }) => {
    const read = () => readPeriod(given, ["idempotencyKey"]);
    expect(read).toThrow(
      expect.objectContaining({ code: "INVALID_WAIT", message: expect.stringContaining(want) as string }),
    );
  });
});

describe("a wait's date", () => {
  it("is any Date, also one that has passed", () => {
    expect(readDate(new Date(NOW + 3650 * DAY_MS), NOW)).toBe(NOW + 3650 * DAY_MS);
    expect(readDate(new Date(0), NOW)).toBe(0);
  });

  const BAD: Record<string, { given: unknown; want: string }> = {
    "a text": { given: "2026-01-01", want: '"2026-01-01"' },
    "a number": { given: NOW, want: String(NOW) },
    nothing: { given: undefined, want: "undefined" },
    "an invalid Date": { given: new Date("soon"), want: "invalid Date" },
    "more than a hundred years ahead": { given: new Date(NOW + 36_501 * DAY_MS), want: "100 years" },
  };
  it.each(Object.entries(BAD))("is refused by name: %s", (_title, { given, want }) => {
    const read = () => readDate(given, NOW);
    expect(read).toThrow(
      expect.objectContaining({ code: "INVALID_WAIT", message: expect.stringContaining(want) as string }),
    );
  });
});
