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
  readonly #seen = new Map<string, Seen>();
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
    const isFinal = isFinalRunStatus(run.status);
    this.#seen.set(run.id, { status: run.status, attempt: run.attemptCount ?? 0 });
    if (isFinal) this.#open.delete(run.id);
    else this.#open.set(run.id, run);
    const isOld = before === undefined && isFinal && run.createdAt.getTime() < this.#since;
    const kind = isOld ? undefined : changeOf(before, run);
    return kind === undefined ? [] : [{ run, kind }];
  }
}

interface Seen {
  status: RunStatus;
  attempt: number;
}

function changeOf(before: Seen | undefined, run: FeedRun): FeedChange["kind"] | undefined {
  const attempt = run.attemptCount ?? 0;
  if (before?.status === run.status && before.attempt === attempt) return undefined;
  if (isFinalRunStatus(run.status)) return before && isFinalRunStatus(before.status) ? undefined : "ended";
  if (run.status === "EXECUTING") return attempt > 1 && before !== undefined ? "retried" : "started";
  return before === undefined ? "queued" : undefined;
}
