import type { CatchUp, Overlap } from "@gantry/sdk/contract";

/** When a schedule's runs come, and what happens when they meet or were missed. */
export interface ScheduleTiming {
  cron: string;
  /** IANA name. */
  timezone: string;
  overlap: Overlap;
  catchUp: CatchUp;
  catchUpWindowMs: number;
  /** "15m" or "30%"; undefined: none. */
  jitter: string | undefined;
}

export interface Schedule extends ScheduleTiming {
  /** UUID; public form sched_…. */
  id: string;
  environmentId: number;
  kind: "DECLARATIVE" | "IMPERATIVE";
  taskId: string;
  deduplicationKey: string | undefined;
  externalId: string | undefined;
  pausedAt: Date | undefined;
  /** Milliseconds since the epoch, nominal; undefined where no time fits the pattern any more. */
  nextDueAt: number | undefined;
  /** The same with its jitter: never before it. */
  nextStartAt: number | undefined;
  /** The latest due time that was given to a run. */
  lastDueAt: number | undefined;
  createdAt: Date;
  updatedAt: Date;
}

/** A due time, nominal and as its jitter moves it. Milliseconds since the epoch. */
export interface Due {
  dueAt: number;
  startAt: number;
}

/** A due time that was taken and has no run yet. */
export interface PendingDue {
  dueAt: number;
  state: "claimed" | "waiting";
}

/** What became of a due time; a state that stays pending is looked at again after `retryInMs`. */
export type DueOutcome = { scheduleId: string; dueAt: number } & (
  | { state: "triggered"; runId: string }
  | { state: "skipped" | "failed"; reason: string }
  | { state: "claimed" | "waiting"; retryInMs: number }
);
