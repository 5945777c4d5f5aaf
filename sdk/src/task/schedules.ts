/* oxlint-disable typescript/no-explicit-any -- only `any` lets a type parameter be inferred in both directions here */
import { type SchedulePolicies, scheduleCalls } from "../client/schedules.ts";
import { registeredTask } from "./catalogue.ts";
import { type Task, task } from "./define-task.ts";
import type { InitOutput } from "./hooks.ts";
import type { TaskOptions } from "./task-options.ts";

/** What a scheduled run is given. All times are UTC. */
export interface ScheduledTaskPayload {
  scheduleId: string;
  /** Whether the code declares the schedule, or the API made it. */
  type: "DECLARATIVE" | "IMPERATIVE";
  /** When the run was due: its jitter, its queue and its retries change nothing about it. */
  timestamp: Date;
  /** The due time before it that had a run; undefined for the first. */
  lastTimestamp?: Date | undefined;
  /** As given when the schedule was made. */
  externalId?: string | undefined;
  /** IANA name. */
  timezone: string;
  /** The next five due times. */
  upcoming: Date[];
}

export type EnvironmentKind = "DEVELOPMENT" | "STAGING" | "PREVIEW" | "PRODUCTION";

/** A pattern, or one with its time zone and where it counts. */
export type CronOption =
  | string
  | {
      /** Five fields (minute hour day month weekday), six with seconds first, or `@daily` and the like. */
      pattern: string;
      /** IANA name; default UTC. The pattern follows its daylight saving. */
      timezone?: string | undefined;
      /** Kinds of environments it runs in; default all. */
      environments?: EnvironmentKind[] | undefined;
      /** Trigger.dev's name for `jitter`. */
      window?: string | undefined;
    };

export interface ScheduledTaskOptions<TIdentifier extends string, TOutput = unknown, TInit extends InitOutput = any>
  extends TaskOptions<TIdentifier, ScheduledTaskPayload, TOutput, TInit>,
    SchedulePolicies {
  /** When it runs; without it only schedules made by `schedules.create()` start it. */
  cron?: CronOption | undefined;
}

/**
 * Defines a task that is started by a schedule: its own `cron`, those made by `schedules.create()`, or both.
 *
 * @example
 * export const report = schedules.task({
 *   id: "daily-report",
 *   cron: { pattern: "0 5 * * *", timezone: "Europe/Berlin" },
 *   run: async ({ timestamp }) => sendReport(timestamp),
 * });
 */
function scheduledTask<TIdentifier extends string, TOutput = unknown, TInit extends InitOutput = any>(
  options: ScheduledTaskOptions<TIdentifier, TOutput, TInit>,
): Task<TIdentifier, ScheduledTaskPayload, TOutput> {
  const { cron, overlap, catchUp, jitter, ...taskOptions } = options;
  const defined = task(taskOptions);
  const registered = registeredTask(defined);
  if (registered) registered.schedule = { cron, overlap, catchUp, jitter };
  return defined;
}

/** Tasks that a schedule starts, and the schedules themselves. */
export const schedules = { ...scheduleCalls, task: scheduledTask };
