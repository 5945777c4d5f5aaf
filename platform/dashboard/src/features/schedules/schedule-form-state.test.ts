import { expect, test } from "vitest";
import { formOf, formProblem, nextTimes, timeInZone, wantedOf } from "./schedule-form-state.ts";

const NEW = formOf(undefined, { task: "report", timezone: "Europe/Berlin" });

test("a new schedule begins with something that works", () => {
  expect(formProblem(NEW)).toBeUndefined();
  expect(wantedOf(NEW, "key-1")).toEqual({
    task: "report",
    cron: "0 8 * * MON-FRI",
    timezone: "Europe/Berlin",
    overlap: "allow",
    catchUp: { policy: "last" },
    deduplicationKey: "key-1",
  });
});

test.each([
  [{ task: "" }, "task"],
  [{ cron: "every day" }, "cron"],
  [{ timezone: "Mars/Olympus" }, "timezone"],
  [{ jitter: "often" }, "jitter"],
])("%o is wrong in its %s", (change, field) => {
  expect(formProblem({ ...NEW, ...change })).toMatchObject({ field });
});

test("the next times are those of the schedule's zone, also over a change of clocks", () => {
  const from = Date.parse("2026-10-24T12:00:00Z");
  const times = nextTimes("30 2 * * *", "Europe/Berlin", from, 3);
  expect(times.map((at) => new Date(at).toISOString())).toEqual([
    "2026-10-25T00:30:00.000Z",
    "2026-10-26T01:30:00.000Z",
    "2026-10-27T01:30:00.000Z",
  ]);
  expect(nextTimes("nonsense", "UTC", from, 3)).toEqual([]);
});

test("a time is shown in the zone", () => {
  expect(timeInZone(Date.parse("2026-11-23T07:00:00Z"), "Europe/Berlin")).toMatch(/Mon,? 23 Nov,? 08:00 (CET|GMT\+1)/);
});
