import { encodeId } from "../ids.ts";
import type { Packet } from "../runs/run.ts";
import { upcomingDues } from "./next-due-policy.ts";
import type { Schedule } from "./schedule.ts";

const UPCOMING = 5;

/** The payload of a due time's run, as Trigger.dev's scheduled tasks know it: superjson, so that its times are Dates. */
export function duePayload(
  schedule: Pick<Schedule, "id" | "kind" | "externalId" | "timezone" | "cron">,
  dueAt: number,
  lastDueAt: number | undefined,
): Packet {
  const upcoming = upcomingDues(schedule, dueAt, UPCOMING).map(iso);
  const json = {
    scheduleId: encodeId("sched", schedule.id),
    type: schedule.kind,
    timestamp: iso(dueAt),
    ...(lastDueAt === undefined ? {} : { lastTimestamp: iso(lastDueAt) }),
    ...(schedule.externalId === undefined ? {} : { externalId: schedule.externalId }),
    timezone: schedule.timezone,
    upcoming,
  };
  const dates = ["timestamp", ...(lastDueAt === undefined ? [] : ["lastTimestamp"])];
  const paths = [...dates, ...upcoming.map((_at, index) => `upcoming.${index}`)];
  const values = Object.fromEntries(paths.map((path) => [path, ["Date"]]));
  return { data: Buffer.from(JSON.stringify({ json, meta: { values } })), type: "application/super+json" };
}

const iso = (ms: number) => new Date(ms).toISOString();
