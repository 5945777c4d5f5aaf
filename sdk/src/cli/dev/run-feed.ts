import type { RunListItem } from "../../client/replies.ts";
import { isFinalRunStatus, type RunStatus } from "../../contract/run-status.ts";

/** What the live view knows of a run: all a list shows. */
export type FeedRun = Pick<
  RunListItem,
  "id" | "taskIdentifier" | "status" | "createdAt" | "startedAt" | "finishedAt" | "updatedAt" | "version"
> & { attemptCount?: number };

export interface FeedChange {
  run: FeedRun;
  kind: "started" | "retried" | "ended" | "queued";
}

/**
 * Turns pages of the newest runs into changes. Pure: no clock, no I/O.
 *
 * Runs that had ended before the feed began are passed over; one that falls off the page before its end stays in
 * `open`, so that it is asked for by its id.
 */
export class RunFeed {
  readonly #seen = new Map<string, { status: RunStatus; attempt: number }>();
  readonly #open = new Map<string, FeedRun>();
  readonly #since: number;

  constructor(sinceMs: number) {
    this.#since = sinceMs;
  }

  /** Runs that have not ended, oldest first. */
  get open(): FeedRun[] {
    return [...this.#open.values()].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  }

  /** `runs` in any order; the changes come in the order of the runs' making. */
  take(runs: FeedRun[]): FeedChange[] {
    const ordered = [...runs].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1));
    return ordered.flatMap((run) => this.#changesOf(run));
  }

  #changesOf(run: FeedRun): FeedChange[] {
    const before = this.#seen.get(run.id);
    const attempt = run.attemptCount ?? 0;
    const isFinal = isFinalRunStatus(run.status);
    this.#seen.set(run.id, { status: run.status, attempt });
    if (isFinal) this.#open.delete(run.id);
    else this.#open.set(run.id, run);
    if (before === undefined && isFinal && run.createdAt.getTime() < this.#since) return [];
    if (before?.status === run.status && before.attempt === attempt) return [];
    if (isFinal) return before !== undefined && isFinalRunStatus(before.status) ? [] : [{ run, kind: "ended" }];
    if (run.status === "EXECUTING") return [{ run, kind: attempt > 1 && before !== undefined ? "retried" : "started" }];
    return before === undefined ? [{ run, kind: "queued" }] : [];
  }
}
