import { parseDurationMs } from "../contract/duration.ts";
import type { ScheduleDeclaration } from "../contract/manifest.ts";
import type { RegisteredTask } from "./catalogue.ts";

/**
 * What a task says of its schedule, for the manifest; undefined where it names no pattern. Whether the pattern is one is
 * looked at where the manifest is made: parsing patterns is no task process's work. A duration that is none becomes -1.
 */
export function describeSchedule({ schedule }: RegisteredTask): ScheduleDeclaration | undefined {
  if (schedule?.cron === undefined) return undefined;
  const { overlap, catchUp, jitter } = schedule;
  const cron = typeof schedule.cron === "string" ? { pattern: schedule.cron } : schedule.cron;
  const declared = {
    cron: cron.pattern,
    timezone: cron.timezone ?? "UTC",
    environments: cron.environments,
    overlap,
    catchUp: describeCatchUp(catchUp),
    jitter: jitter ?? cron.window,
  };
  return Object.fromEntries(Object.entries(declared).filter(([, member]) => member !== undefined)) as never;
}

type CatchUpOption = NonNullable<RegisteredTask["schedule"]>["catchUp"];

function describeCatchUp(catchUp: CatchUpOption): ScheduleDeclaration["catchUp"] {
  if (catchUp === undefined) return undefined;
  if (typeof catchUp === "string") return { policy: catchUp };
  const { policy, within } = catchUp;
  return within === undefined ? { policy } : { policy, windowMs: parseDurationMs(within) ?? -1 };
}
