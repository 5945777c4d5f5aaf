import { nextCronTime } from "@gantry/sdk/contract";
import { jitterMs } from "./jitter-policy.ts";
import type { Due, ScheduleTiming } from "./schedule.ts";

export type Timed = Pick<ScheduleTiming, "cron" | "timezone" | "jitter"> & { id: string };

/** The first due time after `afterMs`; undefined where no time fits the pattern any more. */
export function nextDue(schedule: Timed, afterMs: number): Due | undefined {
  const dueAt = nextCronTime(schedule.cron, schedule.timezone, afterMs);
  return dueAt === undefined ? undefined : dueOf(schedule, dueAt);
}

/** When the run of a due time starts. */
export function dueOf(schedule: Timed, dueAt: number): Due {
  if (schedule.jitter === undefined) return { dueAt, startAt: dueAt };
  const following = nextCronTime(schedule.cron, schedule.timezone, dueAt);
  return { dueAt, startAt: dueAt + jitterMs(schedule.jitter, schedule.id, dueAt, following) };
}

/** The nominal due times after `afterMs`, `count` at most. */
export function upcomingDues(
  { cron, timezone }: Pick<ScheduleTiming, "cron" | "timezone">,
  afterMs: number,
  count: number,
): number[] {
  const dues: number[] = [];
  for (let at: number | undefined = afterMs; dues.length < count; ) {
    at = nextCronTime(cron, timezone, at);
    if (at === undefined) break;
    dues.push(at);
  }
  return dues;
}
