import type { ApiClient } from "../client/api-client.ts";
import type { RetrievedRun, RunEventItem } from "../client/replies.ts";
import { isFinalRunStatus } from "../contract/run-status.ts";
import { pause } from "./command-context.ts";

type Run = RetrievedRun<unknown, unknown>;

export interface FollowOptions {
  signal: AbortSignal;
  pollMs?: number;
  /** Hears of each change of status, metadata or attempt. */
  onChange?: (run: Run) => void;
  onEvents?: (events: RunEventItem[]) => void;
  /** Skips the events before this cursor. */
  after?: string;
}

/** Follows a run until it has ended (then its last events have been told) or the signal is aborted. Returns the run as it was last. */
export async function followRun(api: ApiClient, runId: string, options: FollowOptions): Promise<Run> {
  let { after } = options;
  let shown = "";
  for (;;) {
    // The run first: events written before its end are then surely in the next page.
    const run = await api.retrieveRun(runId);
    if (options.onEvents !== undefined) after = await drainEvents(api, runId, after, options.onEvents);
    const state = JSON.stringify([run.status, run.attemptCount, run.metadata]);
    if (state !== shown) options.onChange?.(run);
    shown = state;
    if (isFinalRunStatus(run.status) || options.signal.aborted) return run;
    await pause(options.pollMs ?? 400, options.signal);
    if (options.signal.aborted) return run;
  }
}

const PAGE = 1000;

/** Tells all events after the cursor, page by page; returns the new cursor. */
export async function drainEvents(
  api: ApiClient,
  runId: string,
  after: string | undefined,
  onEvents: (events: RunEventItem[]) => void,
): Promise<string | undefined> {
  for (let cursor = after; ; ) {
    const events = await api.listRunEvents(runId, { limit: PAGE, ...(cursor === undefined ? {} : { after: cursor }) });
    if (events.length > 0) onEvents(events);
    cursor = events.at(-1)?.cursor ?? cursor;
    if (events.length < PAGE) return cursor;
  }
}
