import type { ScheduleItem } from "@gantry/sdk";
import { type CatchUp, nextCronTime, type Overlap, scheduleProblem } from "@gantry/sdk/contract";

/** What the form holds: text, as it was typed. */
export interface ScheduleForm {
  task: string;
  cron: string;
  timezone: string;
  externalId: string;
  deduplicationKey: string;
  overlap: Overlap;
  catchUp: CatchUp;
  within: string;
  jitter: string;
}

export interface WantedSchedule {
  task: string;
  cron: string;
  timezone: string;
  externalId?: string | undefined;
  overlap: Overlap;
  catchUp: { policy: CatchUp; within?: string | undefined };
  jitter?: string | undefined;
}

export function formOf(schedule: ScheduleItem | undefined, defaults: { task: string; timezone: string }): ScheduleForm {
  if (schedule === undefined) return { ...EMPTY, ...defaults };
  const { task, generator, timezone, externalId, deduplicationKey, overlap, catchUp, jitter } = schedule;
  return {
    task,
    cron: generator.expression,
    timezone,
    externalId: externalId ?? "",
    deduplicationKey: deduplicationKey ?? "",
    overlap,
    catchUp: catchUp.policy,
    within: catchUp.within,
    jitter: jitter ?? "",
  };
}

const EMPTY = {
  cron: "0 8 * * MON-FRI",
  externalId: "",
  deduplicationKey: "",
  overlap: "allow",
  catchUp: "last",
  within: "",
  jitter: "",
} as const;

export type FormProblem = { field: "task" | "cron" | "timezone" | "jitter"; message: string };

/** The first thing that is wrong; undefined where the platform will take it. */
export function formProblem({ task, cron, timezone, jitter }: ScheduleForm): FormProblem | undefined {
  if (task === "") return { field: "task", message: "Choose the task that it starts." };
  return scheduleProblem({ cron, timezone, ...(jitter === "" ? {} : { jitter }) });
}

/** `fallbackKey` names a new schedule whose form names none. */
export function wantedOf(form: ScheduleForm, fallbackKey: string): WantedSchedule & { deduplicationKey: string } {
  return {
    task: form.task,
    cron: form.cron.trim(),
    timezone: form.timezone,
    overlap: form.overlap,
    catchUp: { policy: form.catchUp, ...(form.within === "" ? {} : { within: form.within }) },
    deduplicationKey: form.deduplicationKey === "" ? fallbackKey : form.deduplicationKey,
    ...(form.externalId === "" ? {} : { externalId: form.externalId }),
    ...(form.jitter === "" ? {} : { jitter: form.jitter }),
  };
}

/** The next times of a pattern in its zone, in milliseconds; none where it is none. */
export function nextTimes(cron: string, timezone: string, from: number, count: number): number[] {
  if (scheduleProblem({ cron, timezone }) !== undefined) return [];
  const times: number[] = [];
  for (let at: number | undefined = from; times.length < count; ) {
    at = nextCronTime(cron, timezone, at);
    if (at === undefined) break;
    times.push(at);
  }
  return times;
}

/** "Mon 23 Nov 2026, 08:00 CET": in the schedule's own zone. */
export function timeInZone(at: number | Date, timezone: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: new Date(at).getUTCSeconds() === 0 ? undefined : "2-digit",
    timeZoneName: "short",
  }).format(at);
}
