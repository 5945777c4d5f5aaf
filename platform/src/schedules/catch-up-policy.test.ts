import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CatchingUp, decideDue, LATE_MS, ON_TIME_MS } from "./catch-up-policy.ts";
import { upcomingDues } from "./next-due-policy.ts";

const at = (text: string) => Date.parse(`2026-03-01T${text}Z`);
const HOUR = 3_600_000;
const base: CatchingUp = {
  id: "0198c0de-0000-7000-8000-000000000001",
  cron: "*/10 * * * *",
  timezone: "UTC",
  jitter: undefined,
  catchUp: "last",
  catchUpWindowMs: HOUR,
  nextDueAt: at("10:00"),
};
const times = (dues: number[]) => dues.map((ms) => new Date(ms).toISOString().slice(11, 19));

/** What was asked for, when the loop looks, which due times start, and what it waits for then. */
const CASES: Record<string, [Partial<CatchingUp>, string, string[], string]> = {
  "nothing is due yet": [{}, "09:59:59.999", [], "10:00:00"],
  "a due time is taken when it comes": [{}, "10:00", ["10:00:00"], "10:10:00"],
  "none: what comes a moment late is on time": [{ catchUp: "none" }, "10:00:59", ["10:00:00"], "10:10:00"],
  "none: what was missed is dropped": [{ catchUp: "none" }, "12:05", [], "12:10:00"],
  "none: of what was missed, the one that is due now starts": [
    { catchUp: "none" },
    "12:10:05",
    ["12:10:00"],
    "12:20:00",
  ],
  "last: of what was missed, the last starts": [{}, "12:05", ["12:00:00"], "12:10:00"],
  "last: not beyond its window": [{ cron: "0 10 * * *" }, "11:00:01", [], "10:00:00"],
  "last: up to its window": [{ cron: "0 10 * * *" }, "11:00", ["10:00:00"], "10:00:00"],
  "all: what lies in the window starts, oldest first": [
    { catchUp: "all", catchUpWindowMs: 1_800_000 },
    "12:05",
    ["11:40:00", "11:50:00", "12:00:00"],
    "12:10:00",
  ],
  "seconds that a busy moment held up all start": [
    { cron: "* * * * * *", catchUp: "none" },
    "10:00:03.5",
    ["10:00:00", "10:00:01", "10:00:02", "10:00:03"],
    "10:00:04",
  ],
};

describe("what starts when the loop looks", () => {
  test.each(Object.entries(CASES))("%s", (_title, [change, now, wantStarts, wantNext]) => {
    const { starts, next } = decideDue({ ...base, ...change }, at(now));
    expect(times(starts.map(({ dueAt }) => dueAt))).toEqual(wantStarts);
    expect(times([next?.dueAt ?? 0])).toEqual([wantNext]);
  });

  test("all: a long list is taken in parts, and none is left out between them", () => {
    const schedule = { ...base, cron: "* * * * *", catchUp: "all" as const, catchUpWindowMs: 24 * HOUR };
    const now = at("13:20:30");
    const taken: number[] = [];
    for (let next: number | undefined = schedule.nextDueAt; next !== undefined && next <= now; ) {
      const decision = decideDue({ ...schedule, nextDueAt: next }, now);
      taken.push(...decision.starts.map(({ dueAt }) => dueAt));
      next = decision.next?.dueAt;
    }
    expect(taken).toEqual([at("10:00"), ...upcomingDues(schedule, at("10:00"), 200)]);
  });

  test("a downtime of ten years costs no more than a moment's", () => {
    const schedule = { ...base, cron: "* * * * * *", nextDueAt: Date.parse("2016-01-01T00:00Z") };
    // Of its own time: others may have the processor meanwhile.
    const before = process.cpuUsage();
    expect(decideDue(schedule, at("10:00:00.5")).starts.at(-1)?.dueAt).toBe(at("10:00"));
    expect(process.cpuUsage(before).user).toBeLessThan(500_000);
  });

  test("a pattern whose last time has passed waits for nothing", () => {
    expect(decideDue({ ...base, nextDueAt: undefined }, at("10:00"))).toEqual({ starts: [], next: undefined });
  });
});

const schedules = fc.record({
  cron: fc.constantFrom("* * * * *", "*/10 * * * *", "0 * * * *", "30 2 * * *", "*/5 * * * * *", "7,11 3-5 * * 1"),
  timezone: fc.constantFrom("UTC", "Europe/Berlin", "Australia/Lord_Howe"),
  jitter: fc.constantFrom(undefined, "30s", "7m", "50%", "100%"),
  catchUp: fc.constantFrom("none" as const, "last" as const, "all" as const),
  catchUpWindowMs: fc.constantFrom(0, 60_000, HOUR, 6 * HOUR),
});

/** Looks again and again until nothing more is due, as the loop does. */
function drain(schedule: CatchingUp, now: number) {
  const starts: { dueAt: number; startAt: number }[] = [];
  let next: { dueAt: number; startAt: number } | undefined;
  let { nextDueAt } = schedule;
  do {
    const decision = decideDue({ ...schedule, nextDueAt }, now);
    starts.push(...decision.starts);
    next = decision.next;
    nextDueAt = next?.dueAt;
  } while (next !== undefined && next.startAt <= now);
  return { starts, next };
}

describe("whatever the schedule, and however often and late it is looked at", () => {
  test("no due time starts early or twice, none is passed over while looks come in time, and they stay in order", () => {
    fc.assert(
      fc.property(
        schedules,
        fc.array(fc.integer({ min: 1, max: ON_TIME_MS }), { minLength: 1, maxLength: 60 }),
        (settings, gaps) => {
          const from = at("02:29:50");
          const [first] = upcomingDues(settings, from, 1);
          let schedule: CatchingUp = { ...base, ...settings, nextDueAt: first };
          let now = from;
          const starts: number[] = [];
          for (const gap of gaps) {
            now += gap;
            const drained = drain(schedule, now);
            for (const { startAt } of drained.starts) expect(startAt).toBeLessThanOrEqual(now);
            starts.push(...drained.starts.map(({ dueAt }) => dueAt));
            schedule = { ...schedule, nextDueAt: drained.next?.dueAt };
          }
          expect(starts).toEqual(upcomingDues(settings, from, starts.length));
          expect(drain(schedule, now).starts).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("after downtime no policy starts what lies beyond its window, and `last` and `none` start one at most but for what is on time", () => {
    fc.assert(
      fc.property(schedules, fc.integer({ min: 0, max: 9 * HOUR }), (settings, downMs) => {
        const [first] = upcomingDues(settings, at("02:29:50"), 1);
        const now = (first as number) + downMs;
        const { starts } = drain({ ...base, ...settings, nextDueAt: first }, now);
        const windowMs = Math.max(LATE_MS, settings.catchUp === "none" ? 0 : settings.catchUpWindowMs);
        for (const { startAt } of starts) expect(now - startAt).toBeLessThanOrEqual(windowMs);
        if (settings.catchUp !== "all" && starts.length > 1)
          for (const { startAt } of starts) expect(now - startAt).toBeLessThanOrEqual(ON_TIME_MS);
      }),
      { numRuns: 60 },
    );
  });
});
