import { dueOf, nextDue } from "./next-due-policy.ts";
import type { Due, Schedule } from "./schedule.ts";

/** A start so late is no missed one: a platform that was busy for a moment, or restarted, owes every due time its run. */
export const ON_TIME_MS = 10_000;
/** The latest due time is still started this late, whatever the policy: a restart of the platform may take so long. */
export const LATE_MS = 60_000;
/** Due times taken at once; what is left comes with the next look. */
const AT_ONCE = 100;

export type CatchingUp = Pick<
  Schedule,
  "id" | "cron" | "timezone" | "jitter" | "catchUp" | "catchUpWindowMs" | "nextDueAt"
>;

export interface DueDecision {
  /** Oldest first. */
  starts: Due[];
  /** What the loop waits for next; undefined where no time fits the pattern any more. */
  next: Due | undefined;
}

/**
 * Which due times get a run now, where `nextDueAt` is the first that has not been looked at.
 *
 *   lateness of a start ≤ 10 s                     every one
 *   the latest of all, ≤ 60 s                      whatever the policy
 *   the latest of all, within the window           `last`
 *   every one within the window                    `all`
 *   others                                         dropped
 */
export function decideDue(schedule: CatchingUp, nowMs: number): DueDecision {
  const { nextDueAt: first } = schedule;
  if (first === undefined) return { starts: [], next: undefined };
  const keptMs = schedule.catchUp === "all" ? Math.max(schedule.catchUpWindowMs, ON_TIME_MS) : ON_TIME_MS;
  const starts: Due[] = [];
  let due = startedSince(schedule, first, nowMs - keptMs);
  while (due !== undefined && due.startAt <= nowMs && starts.length < AT_ONCE) {
    if (due.startAt >= nowMs - keptMs) starts.push(due);
    due = nextDue(schedule, due.dueAt);
  }
  if (starts.length > 0) return { starts, next: due };
  const latest = latestStarted(schedule, first, nowMs);
  const isOwed = latest !== undefined && isStillOwed(schedule, latest.startAt, nowMs);
  return { starts: isOwed ? [latest] : [], next: due };
}

/** Whether the latest due time is still worth its run. */
export function isStillOwed(
  { catchUp, catchUpWindowMs }: Pick<Schedule, "catchUp" | "catchUpWindowMs">,
  startAt: number,
  nowMs: number,
): boolean {
  return nowMs - startAt <= Math.max(LATE_MS, catchUp === "none" ? 0 : catchUpWindowMs);
}

/** A due time from `first` on whose start lies at `sinceMs` or somewhat before it: none that starts later is left out. */
function startedSince(schedule: CatchingUp, first: number, sinceMs: number): Due | undefined {
  if (first >= sinceMs) return dueOf(schedule, first);
  // With jitter, what is due before may start after: its predecessor too is looked at.
  const from = schedule.jitter === undefined ? sinceMs - 1 : (lastNominal(schedule, first, sinceMs) ?? first) - 1;
  return nextDue(schedule, Math.max(first - 1, from));
}

function latestStarted(schedule: CatchingUp, first: number, nowMs: number): Due | undefined {
  for (let before = nowMs; ; ) {
    const nominal = lastNominal(schedule, first, before);
    if (nominal === undefined) return undefined;
    const due = dueOf(schedule, nominal);
    if (due.startAt <= nowMs) return due;
    before = nominal - 1;
  }
}

/** The last due time from `first` to `untilMs`: looked for over spans that double, so that years of downtime cost little. */
function lastNominal(schedule: CatchingUp, first: number, untilMs: number): number | undefined {
  if (first > untilMs) return undefined;
  for (let spanMs = 1000; ; spanMs *= 2) {
    const from = Math.max(first - 1, untilMs - spanMs);
    let at = nextDue({ ...schedule, jitter: undefined }, from)?.dueAt;
    if (at === undefined || at > untilMs) {
      if (from === first - 1) return undefined;
      continue;
    }
    for (let following: number | undefined = at; following !== undefined && following <= untilMs; ) {
      at = following;
      following = nextDue({ ...schedule, jitter: undefined }, at)?.dueAt;
    }
    return at;
  }
}
