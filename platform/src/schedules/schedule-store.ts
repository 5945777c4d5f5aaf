import type { DueDecision } from "./catch-up-policy.ts";
import type { Due, DueOutcome, PendingDue, Schedule, ScheduleTiming } from "./schedule.ts";

export interface NewSchedule extends ScheduleTiming {
  id: string;
  environmentId: number;
  taskId: string;
  deduplicationKey: string;
  externalId: string | undefined;
}

/** A schedule with due times that have no run yet, locked while it is worked on. */
export interface PendingSchedule extends Schedule {
  /** Oldest first; at least one. */
  pending: PendingDue[];
  /** UUIDs of its runs that have not ended. */
  running: string[];
}

/** Schedules of the API and of the loop. Instants are the database's; several processes may use it at once. */
export interface ScheduleStore {
  /**
   * Makes a schedule, or changes the one with its deduplication key. `next` gives the first due time of an id; one whose times stay
   * as they were keeps its own.
   *
   * Errors: undefined where the environment has `max` schedules already.
   */
  save(schedule: NewSchedule, next: (id: string) => Due | undefined, max: number): Promise<Schedule | undefined>;
  /** Changes an imperative schedule; undefined where there is none of this id. */
  change(
    schedule: Omit<NewSchedule, "deduplicationKey">,
    next: (id: string) => Due | undefined,
  ): Promise<Schedule | undefined>;
  retrieve(environmentId: number, id: string): Promise<Schedule | undefined>;
  /** Oldest first. */
  list(
    environmentId: number,
    page: { page: number; perPage: number },
  ): Promise<{ schedules: Schedule[]; total: number }>;
  /** Its due times go with it; runs stay. */
  remove(environmentId: number, id: string): Promise<boolean>;
  /** `next`: what a schedule waits for that begins anew; left out, what it waited for before. */
  setPaused(environmentId: number, id: string, paused: boolean, next?: Due): Promise<Schedule | undefined>;
  /** A due time outside of the pattern that has its run already. */
  recordRun(schedule: Schedule, dueAt: number, runId: string): Promise<void>;

  /**
   * Takes schedules that are due, `limit` at most, and keeps what `decide` says of each: its due times become pending, each
   * once however many take it, and it waits for the next. Those that another process has at hand are left to it.
   */
  claim(limit: number, decide: (schedule: Schedule, nowMs: number) => DueDecision): Promise<number>;
  /**
   * Lets `work` decide about pending due times of `limit` schedules, and stores what it says. No other process works on
   * those schedules meanwhile; if this one dies, another does it again.
   */
  workOff(limit: number, work: (schedules: PendingSchedule[], nowMs: number) => Promise<DueOutcome[]>): Promise<number>;
  /** Until something is due or pending again; undefined where nothing is. */
  nextInMs(): Promise<number | undefined>;
}
