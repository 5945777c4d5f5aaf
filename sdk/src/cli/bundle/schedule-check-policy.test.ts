import { expect, test } from "vitest";
import type { ScheduleDeclaration } from "../../contract/manifest.ts";
import { wrongSchedule } from "./schedule-check-policy.ts";

const right: ScheduleDeclaration = { cron: "0 5 * * *", timezone: "Europe/Berlin" };
const check = (schedule: object) =>
  wrongSchedule({
    tasks: [{ id: "report", filePath: "tasks/report.ts", kind: "SCHEDULED", schedule: { ...right, ...schedule } }],
  });

test("a schedule that can be is let through, and a task without one too", () => {
  expect(check({ jitter: "30%", overlap: "queue", catchUp: { policy: "all", windowMs: 1000 } })).toBeUndefined();
  expect(wrongSchedule({ tasks: [{ id: "a", filePath: "a.ts", kind: "STANDARD" }] })).toBeUndefined();
});

test.each([
  ["a pattern with four fields", { cron: "0 5 * *" }, /"report" \(tasks\/report\.ts\).*4 fields; five are needed/],
  ["a pattern that is a number", { cron: 5 }, /cron: .*expected string/],
  ["a time zone that is none", { timezone: "Europe/Berln" }, /"Europe\/Berln" is no IANA time zone/],
  ["a jitter that is none", { jitter: "soon" }, /"soon" is neither a duration/],
  ["an overlap policy that is none", { overlap: "maybe" }, /overlap: /],
  ["a catch-up window that is none", { catchUp: { policy: "all", windowMs: -1 } }, /catchUp\.within: write it like/],
])("%s is named with its task and file", (_title, schedule, want) => {
  expect(check(schedule)).toMatch(want);
});
