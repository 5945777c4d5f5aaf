import type { ScheduleReply } from "@gantry/sdk/contract";
import { encodeId } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import { upcomingDues } from "../schedules/next-due-policy.ts";
import type { Schedule } from "../schedules/schedule.ts";
import { formatDuration } from "./duration.ts";

const UPCOMING = 5;
/** The windows that Trigger.dev's clients accept. */
const WINDOW = /^(?:0|[1-9]\d*)(?:[mh]|%)$/;

export function scheduleView(schedule: Schedule, environment: EnvironmentRef): ScheduleReply {
  const { jitter, nextDueAt, nextStartAt, lastDueAt } = schedule;
  const isActive = schedule.pausedAt === undefined;
  const next = isActive ? nextDueAt : undefined;
  return {
    id: encodeId("sched", schedule.id),
    type: schedule.kind,
    task: schedule.taskId,
    active: isActive,
    deduplicationKey: schedule.deduplicationKey ?? null,
    externalId: schedule.externalId ?? null,
    generator: generatorOf(schedule),
    timezone: schedule.timezone,
    overlap: schedule.overlap,
    catchUp: { policy: schedule.catchUp, within: formatDuration(schedule.catchUpWindowMs) },
    jitter: jitter ?? null,
    ...(jitter !== undefined && WINDOW.test(jitter) ? { window: jitter } : {}),
    nextRun: iso(next),
    nextRunEffectiveAt: isActive ? iso(nextStartAt) : null,
    lastRun: iso(lastDueAt),
    upcoming:
      next === undefined ? [] : upcomingDues(schedule, next - 1, UPCOMING).map((at) => new Date(at).toISOString()),
    environments: [{ id: environment.publicId, type: environment.type }],
    createdAt: schedule.createdAt.toISOString(),
    updatedAt: schedule.updatedAt.toISOString(),
  };
}

/** How a run says where it is from. */
export function runSchedule({ schedule, dueAt }: { schedule: Schedule; dueAt: Date }) {
  const { externalId, deduplicationKey } = schedule;
  return {
    id: encodeId("sched", schedule.id),
    ...(externalId === undefined ? {} : { externalId }),
    ...(deduplicationKey === undefined ? {} : { deduplicationKey }),
    generator: generatorOf(schedule),
    dueAt: dueAt.toISOString(),
  };
}

function generatorOf({ cron, timezone }: Schedule): ScheduleReply["generator"] {
  return { type: "CRON", expression: cron, description: `${cron} (${timezone})` };
}

function iso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
