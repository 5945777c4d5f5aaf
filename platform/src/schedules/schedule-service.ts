import type { EnvironmentRef } from "../projects/principal.ts";
import type { Schedule } from "./schedule.ts";
import type { WantedTiming } from "./schedule-defaults-policy.ts";

export interface WantedSchedule extends WantedTiming {
  taskId: string;
  externalId?: string | undefined;
}

/** Ids are public ids; an unknown or foreign one is `undefined` or SCHEDULE_NOT_FOUND. */
export interface ScheduleService {
  /** Errors: TASK_NOT_FOUND, TASK_NOT_SCHEDULED, TOO_MANY_SCHEDULES. */
  create(environment: EnvironmentRef, wanted: WantedSchedule & { deduplicationKey: string }): Promise<Schedule>;
  /** Replaces everything but the deduplication key. Errors: as create; SCHEDULE_DECLARED where the code declares it. */
  update(environment: EnvironmentRef, id: string, wanted: WantedSchedule): Promise<Schedule>;
  retrieve(environment: EnvironmentRef, id: string): Promise<Schedule | undefined>;
  list(
    environment: EnvironmentRef,
    page: { page: number; perPage: number },
  ): Promise<{ schedules: Schedule[]; total: number }>;
  /** Errors: SCHEDULE_DECLARED. */
  remove(environment: EnvironmentRef, id: string): Promise<void>;
  /** Nothing is due while it is paused; what follows on a resume is its catch-up policy's decision. */
  setPaused(environment: EnvironmentRef, id: string, paused: boolean): Promise<Schedule>;
  /** A run now, whatever the pattern and the overlap policy say. The run's public id. Errors: those of a trigger. */
  runNow(environment: EnvironmentRef, id: string): Promise<string>;
  /** Where a run is from, by its idempotency key. */
  ofRun(
    environment: EnvironmentRef,
    idempotencyKey: string | undefined,
  ): Promise<{ schedule: Schedule; dueAt: Date } | undefined>;
}
