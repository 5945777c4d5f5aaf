import type { CatchUp, Overlap } from "@gantry/sdk/contract";
import type { Due, Schedule } from "../../schedules/schedule.ts";

/** A row of `schedule`, as pg and Prisma both give it. */
export interface ScheduleRow {
  id: string;
  environment_id: number;
  kind: Schedule["kind"];
  task_id: string;
  deduplication_key: string | null;
  external_id: string | null;
  cron: string;
  timezone: string;
  overlap: string;
  catch_up: string;
  catch_up_window_ms: string | bigint;
  jitter: string | null;
  paused_at: Date | null;
  removed_at: Date | null;
  next_due_at: Date | null;
  next_start_at: Date | null;
  last_due_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

export function toSchedule(row: ScheduleRow): Schedule {
  return {
    id: row.id,
    environmentId: row.environment_id,
    kind: row.kind,
    taskId: row.task_id,
    deduplicationKey: row.deduplication_key ?? undefined,
    externalId: row.external_id ?? undefined,
    cron: row.cron,
    timezone: row.timezone,
    overlap: row.overlap as Overlap,
    catchUp: row.catch_up as CatchUp,
    catchUpWindowMs: Number(row.catch_up_window_ms),
    jitter: row.jitter ?? undefined,
    pausedAt: row.paused_at ?? undefined,
    nextDueAt: row.next_due_at?.getTime(),
    nextStartAt: row.next_start_at?.getTime(),
    lastDueAt: row.last_due_at?.getTime(),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** What a schedule waits for, as columns. */
export function dueColumns(due: Due | undefined): { next_due_at: string | null; next_start_at: string | null } {
  return { next_due_at: instant(due?.dueAt), next_start_at: instant(due?.startAt) };
}

export function instant(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
