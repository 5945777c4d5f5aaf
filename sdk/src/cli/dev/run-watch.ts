import type { ApiClient } from "../../client/api-client.ts";
import type { RunError } from "../../client/replies.ts";
import { isFailedRunStatus } from "../../contract/run-status.ts";
import { pause } from "../command-context.ts";
import type { DevReporter } from "./dev-reporter.ts";
import { type FeedChange, type FeedRun, RunFeed } from "./run-feed.ts";

const BUSY_POLL_MS = 400;
const IDLE_POLL_MS = 800;
const PAGE = 50;
/** Open runs that are no longer among the newest are asked for one by one, so many a round. */
const ASKED_BY_ID = 5;

/** Tells the reporter of runs until the signal is aborted. A platform that does not answer for a moment is waited for. */
export async function watchRuns(
  api: ApiClient,
  reporter: DevReporter,
  signal: AbortSignal,
  sinceMs: number,
): Promise<void> {
  const feed = new RunFeed(sinceMs);
  while (!signal.aborted) {
    try {
      await round(api, feed, reporter);
    } catch {
      // The platform is restarting, or stopping: its process is watched elsewhere.
    }
    await pause(feed.open.length > 0 ? BUSY_POLL_MS : IDLE_POLL_MS, signal);
  }
}

async function round(api: ApiClient, feed: RunFeed, reporter: DevReporter): Promise<void> {
  const newest: FeedRun[] = (await api.listRuns({ limit: PAGE })).data;
  const listed = new Set(newest.map((run) => run.id));
  const missing = feed.open.filter((run) => !listed.has(run.id)).slice(0, ASKED_BY_ID);
  const asked = await Promise.all(missing.map((run) => api.retrieveRun(run.id)));
  for (const change of feed.take([...newest, ...asked])) reporter.run(change, await errorOf(api, change));
  reporter.open(feed.open);
}

/** Why it ended badly, or why it is tried again. */
async function errorOf(api: ApiClient, { run, kind }: FeedChange): Promise<RunError | undefined> {
  if (kind === "retried") return (await api.retrieveRun(run.id)).attempts?.at(-1)?.error;
  if (kind !== "ended" || !isFailedRunStatus(run.status)) return undefined;
  return (await api.retrieveRun(run.id)).error;
}
