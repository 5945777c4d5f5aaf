import { type ApiClient, type ConnectionReason, type ConnectionState, RunObserver } from "@gantry/sdk";
import type { JournalReply, RunReply } from "@gantry/sdk/contract";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { useEnvironment } from "../../session/session-provider.tsx";
import { EVENTS_PAGE, RunActivity } from "./run-activity.ts";
import { isHeldBack, isSameButMetadata, journalItem, type RunView, runView, withLive } from "./run-view.ts";

const path = (runId: string, rest = "") => `/api/v1/runs/${encodeURIComponent(runId)}${rest}`;

export async function fetchRun(api: ApiClient, runId: string, signal?: AbortSignal): Promise<RunView> {
  const { data } = await api.request<RunReply>(
    { method: "GET", path: path(runId).replace("/v1/", "/v3/"), repeatable: "always" },
    signal && { signal },
  );
  return runView(data);
}

export async function fetchJournal(api: ApiClient, runId: string, after?: number, signal?: AbortSignal) {
  const entries: JournalReply["entries"] = [];
  for (let from = after; ; ) {
    const { data } = await api.request<JournalReply>(
      { method: "GET", path: path(runId, "/journal"), query: { after: from }, repeatable: "always" },
      signal && { signal },
    );
    entries.push(...data.entries);
    if (data.next === undefined) return entries.map(journalItem);
    from = data.next;
  }
}

export interface LiveRunState {
  /** Undefined until it has been read. */
  run: RunView | undefined;
  error: unknown;
  refetch: () => void;
  observer: RunObserver;
  activity: RunActivity;
}

/** The queries of a run follow its changes, this often at most. */
const FOLLOW_MS = 400;

/**
 * A run as it is now. It is drawn anew when something other than its metadata changes; what shows metadata or the connection
 * reads `observer` itself.
 */
export function useLiveRun(runId: string): LiveRunState {
  const { api, key, token } = useEnvironment();
  const queries = useQueryClient();
  const observer = useMemo(
    () => new RunObserver(runId, { baseUrl: location.origin, accessToken: token, skip: ["payload", "output"] }),
    [runId, token],
  );
  const activity = useMemo(
    () =>
      new RunActivity({
        events: (after) => api.listRunEvents(runId, { after, limit: EVENTS_PAGE }),
        journal: (after, signal) => fetchJournal(api, runId, after, signal),
      }),
    [api, runId],
  );
  const query = useQuery({
    queryKey: key("run", runId),
    queryFn: ({ signal }) => fetchRun(api, runId, signal),
    // Hints may be lost; what hangs on the run is looked at now and then.
    refetchInterval: ({ state }) => (state.data?.isCompleted === false ? 10_000 : false),
  });
  const live = useLiveFields(observer);
  const run = useMemo(() => query.data && withLive(query.data, live), [query.data, live]);
  useEffect(
    () => follow(observer, () => void queries.invalidateQueries({ queryKey: key("run", runId) })),
    [observer, queries, key, runId],
  );
  useEffect(() => {
    if (run !== undefined) activity.poke(run);
  }, [activity, run]);
  return { run, error: query.error ?? undefined, refetch: () => void query.refetch(), observer, activity };
}

/** The live run, the same object while nothing but its metadata changes. */
function useLiveFields(observer: RunObserver) {
  const read = useMemo(() => {
    let known = observer.getSnapshot().run;
    return () => {
      const { run } = observer.getSnapshot();
      if (!isSameButMetadata(known, run)) known = run;
      return known;
    };
  }, [observer]);
  return useSyncExternalStore(observer.subscribe, read);
}

/** Calls back after changes that are more than metadata, not at once each time; and once the run has ended. */
function follow(observer: RunObserver, onChange: () => void): () => void {
  let known = observer.getSnapshot().run;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const leave = observer.subscribe(() => {
    const { run } = observer.getSnapshot();
    if (isSameButMetadata(known, run)) return;
    known = run;
    timer ??= setTimeout(() => {
      timer = undefined;
      onChange();
    }, FOLLOW_MS);
  });
  return () => {
    clearTimeout(timer);
    leave();
  };
}

export function useActivity(activity: RunActivity) {
  return useSyncExternalStore(activity.subscribe, activity.getSnapshot);
}

export function useConnection(observer: RunObserver): { connection: ConnectionState; reason: ConnectionReason } {
  const connection = useSyncExternalStore(observer.subscribe, () => observer.getSnapshot().connection);
  const reason = useSyncExternalStore(observer.subscribe, () => observer.getSnapshot().connectionReason);
  return { connection, reason };
}

/** As the run sets it, without a reload. */
export function useMetadata(observer: RunObserver, run: RunView): Record<string, unknown> | undefined {
  const live = useSyncExternalStore(observer.subscribe, () => observer.getSnapshot().run);
  return (live?.revision ?? -1) >= (run.revision ?? 0) ? live?.metadata : run.metadata;
}

/** What holds a run back, or what it waits for: asked again while it is neither executing nor over. */
export function useExplanation(run: RunView) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("run", run.id, "explain"),
    queryFn: () => api.explainRun(run.id),
    enabled: isHeldBack(run),
    refetchInterval: isHeldBack(run) ? 3_000 : false,
  });
}
