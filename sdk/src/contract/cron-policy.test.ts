import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cronProblem, nextCronTime, timezoneProblem, timezones } from "./cron-policy.ts";

function times(pattern: string, timezone: string, from: string, count: number): string[] {
  const found: string[] = [];
  for (let at = Date.parse(from); found.length < count; ) {
    at = nextCronTime(pattern, timezone, at) as number;
    found.push(new Date(at).toISOString().replace(":00.000Z", "Z"));
  }
  return found;
}

/** Pattern, zone, looked from, and the times that follow. */
const FOLLOWING: Record<string, [string, string, string, string[]]> = {
  "02:30 in Berlin, spring: comes when the clock jumps, once": [
    "30 2 * * *",
    "Europe/Berlin",
    "2026-03-27T12:00Z",
    ["2026-03-28T01:30Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z"],
  ],
  "02:30 in Berlin, autumn: comes the first of the two times only": [
    "30 2 * * *",
    "Europe/Berlin",
    "2026-10-23T12:00Z",
    ["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"],
  ],
  "each half hour in Berlin, spring: no time is left out": [
    "*/30 * * * *",
    "Europe/Berlin",
    "2026-03-29T00:00Z",
    ["2026-03-29T00:30Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z"],
  ],
  "each hour in Berlin, autumn: both of the doubled hours": [
    "0 * * * *",
    "Europe/Berlin",
    "2026-10-24T23:30Z",
    ["2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"],
  ],
  "Lord Howe, whose clock jumps half an hour": [
    "15 2 * * *",
    "Australia/Lord_Howe",
    "2026-10-02T00:00Z",
    ["2026-10-02T15:45Z", "2026-10-03T15:30Z", "2026-10-04T15:15Z"],
  ],
  "Lord Howe, a time that its clock shows twice": [
    "45 1 * * *",
    "Australia/Lord_Howe",
    "2026-04-03T00:00Z",
    ["2026-04-03T14:45Z", "2026-04-04T14:45Z", "2026-04-05T15:15Z"],
  ],
  "Lord Howe, each quarter through the doubled half hour": [
    "*/15 * * * *",
    "Australia/Lord_Howe",
    "2026-04-04T14:30Z",
    ["2026-04-04T14:45Z", "2026-04-04T15:00Z", "2026-04-04T15:15Z"],
  ],
  "midnight in a zone that skips it": [
    "0 0 * * *",
    "America/Sao_Paulo",
    "2018-11-02T12:00Z",
    ["2018-11-03T03:00Z", "2018-11-04T03:00Z", "2018-11-05T02:00Z"],
  ],
  "the 29th of February": ["0 0 29 2 *", "UTC", "2026-03-01T00:00Z", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]],
  "the 31st: months without one are passed over": [
    "0 0 31 * *",
    "UTC",
    "2026-01-31T00:00Z",
    ["2026-03-31T00:00Z", "2026-05-31T00:00Z"],
  ],
  "the last day of the month": ["0 0 L * *", "UTC", "2028-02-01T00:00Z", ["2028-02-29T00:00Z", "2028-03-31T00:00Z"]],
  "@daily in a zone of its own": ["@daily", "Asia/Tokyo", "2026-01-01T00:00Z", ["2026-01-01T15:00Z"]],
  "steps from a number, as other parsers take them": [
    "5/15 * * * *",
    "UTC",
    "2026-01-01T00:00Z",
    ["2026-01-01T00:05Z"],
  ],
};

describe("a cron pattern", () => {
  test.each(Object.entries(FOLLOWING))("%s", (_title, [pattern, timezone, from, want]) => {
    expect(times(pattern, timezone, from, want.length)).toEqual(want);
  });

  test("with six fields counts seconds", () => {
    expect(nextCronTime("*/10 * * * * *", "UTC", Date.parse("2026-01-01T00:00:01Z"))).toBe(
      Date.parse("2026-01-01T00:00:10Z"),
    );
  });

  test("02:30 in Berlin comes exactly once each day of a year", () => {
    const dues = times("30 2 * * *", "Europe/Berlin", "2025-12-31T12:00Z", 365);
    const days = dues.map((at) => new Date(at).toLocaleDateString("en-CA", { timeZone: "Europe/Berlin" }));
    expect(new Set(days).size).toBe(365);
    expect(days.at(-1)).toBe("2026-12-31");
  });

  test("always goes on: each time is later than the one before, and nothing lies between two", () => {
    const zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];
    const patterns = ["*/7 * * * *", "30 2 * * *", "0 0 1 * *", "15 1,2,3 * * 0", "@hourly", "*/20 1-3 * * *"];
    const from = Date.parse("2025-01-01T00:00Z");
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(...patterns),
        fc.integer({ min: 0, max: 2 * 366 * 86_400 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (zone, pattern, seconds, share) => {
          const at = from + seconds * 1000;
          const next = nextCronTime(pattern, zone, at) as number;
          expect(next).toBeGreaterThan(at);
          const between = at + Math.floor((next - at) * share);
          expect(nextCronTime(pattern, zone, between)).toBe(next);
        },
      ),
    );
  });
});

describe("a wrong pattern says what is wrong with it", () => {
  test.each([
    ["", /0 fields; five are needed/],
    ["0 5 * *", /4 fields; five are needed/],
    ["0 0 0 1 1 * 2030", /7 fields/],
    ["60 * * * *", /minute: 60/],
    ["* * 30 2 *", /never comes/],
    ["@reboot", /@hourly/],
    ["2026-01-01T00:00:00", /1 fields/],
    ["a b c d e", /cannot be read/],
    ["0".repeat(300), /256 characters/],
  ])("%s", (pattern, want) => {
    expect(cronProblem(pattern)).toMatch(want);
  });

  test.each([
    "0 5 * * *",
    "@hourly",
    "@midnight",
    "*/5 * * * * *",
    " 0 5 * * 1-5 ",
    "0 0 * * MON",
    "0 0 * * 1L",
    "0 0 29 2 *",
  ])("%s is right", (pattern) => {
    expect(cronProblem(pattern)).toBeUndefined();
  });
});

test("a time zone is one of those that the runtime knows", () => {
  expect(["UTC", "Europe/Berlin", "US/Eastern"].map(timezoneProblem)).toEqual([undefined, undefined, undefined]);
  expect(timezoneProblem("Europe/Berln")).toMatch(/no IANA time zone/);
  expect(timezoneProblem("+02:00")).toMatch(/no IANA time zone/);
  expect(timezoneProblem("")).toMatch(/no IANA time zone/);
  expect(timezones().slice(0, 1)).toEqual(["UTC"]);
  expect(timezones()).toContain("Europe/Berlin");
});
