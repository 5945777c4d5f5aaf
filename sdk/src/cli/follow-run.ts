import type { ApiClient } from "../client/api-client.ts";
import { type ConnectionState, RunObserver } from "../client/realtime/index.ts";
import type { RetrievedRun, RunEventItem } from "../client/replies.ts";
import { isFinalRunStatus } from "../contract/run-status.ts";
import type { CommandContext } from "./command-context.ts";

type Run = RetrievedRun<unknown, unknown>;
/** A run as it is on its way. */
export type FollowedRun = Pick<
  Run,
  "id" | "status" | "attemptCount" | "metadata" | "output" | "error" | "startedAt" | "finishedAt"
>;

export interface FollowOptions {
  /** Hears of each change of status, metadata or attempt. */
  onChange?: (run: FollowedRun) => void;
  onEvents?: (events: RunEventItem[]) => void;
  /** How the changes come. */
  onConnection?: (connection: ConnectionState) => void;
  /** Skips the events before this cursor. */
  after?: string;
}

/** Logs are not pushed: they are asked for when the run has changed, and so often. */
const EVENTS_MS = 1000;

/**
 * Follows a run until it has ended (then its last events have been told) or Ctrl-C. Returns the run as it was last. A platform
 * that goes away meanwhile is waited for.
 *
 * Errors: the API's, where it refuses or is not there at the start.
 */
export async function followRun(context: CommandContext, runId: string, options: FollowOptions): Promise<Run> {
  const api = context.api();
  let { after } = options;
  const tellEvents = async () => {
    if (options.onEvents !== undefined) after = await drainEvents(api, runId, after, options.onEvents);
  };
  const first = await api.retrieveRun(runId);
  if (isFinalRunStatus(first.status) || context.signal.aborted) {
    await tellEvents();
    options.onChange?.(first);
    return first;
  }
  await watch(context, runId, options, first, tellEvents);
  const last = context.signal.aborted ? first : await api.retrieveRun(runId);
  // The run first: events written before its end are surely in the pages that follow.
  if (!context.signal.aborted) await tellEvents();
  return last;
}

async function watch(
  context: CommandContext,
  runId: string,
  { onChange, onConnection, onEvents }: FollowOptions,
  first: Run,
  tellEvents: () => Promise<void>,
): Promise<void> {
  const observer = new RunObserver(runId, { ...context.live(), skip: ["payload"] });
  let news = Promise.withResolvers<void>();
  const wake = () => news.resolve();
  const leave = observer.subscribe(wake);
  const ticker = onEvents === undefined ? undefined : setInterval(wake, EVENTS_MS);
  context.signal.addEventListener("abort", wake);
  let shown = "";
  const tellConnection = connectionTeller(onConnection);
  try {
    for (;;) {
      const snapshot = observer.getSnapshot();
      if (snapshot.error !== undefined) throw snapshot.error;
      const { connection } = snapshot;
      tellConnection(connection);
      const run = snapshot.run ?? first;
      const state = JSON.stringify([run.status, run.attemptCount, run.metadata]);
      // Logs before the change that follows them.
      if (connection !== "connecting") await tellEvents().catch(() => undefined);
      if (state !== shown) onChange?.(run);
      shown = state;
      if (connection === "closed" || context.signal.aborted) return;
      await news.promise;
      news = Promise.withResolvers();
    }
  } finally {
    clearInterval(ticker);
    context.signal.removeEventListener("abort", wake);
    leave();
  }
}

/** That it begins by connecting, and is closed at the end, goes without saying. */
function connectionTeller(onConnection: FollowOptions["onConnection"]): (connection: ConnectionState) => void {
  let told: ConnectionState = "connecting";
  return (connection) => {
    if (connection === told || connection === "closed") return;
    told = connection;
    onConnection?.(connection);
  };
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
