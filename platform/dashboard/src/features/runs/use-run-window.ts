import type { RunListItem } from "@gantry/sdk";
import { isFinalRunStatus } from "@gantry/sdk/contract";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { useLiveRuns } from "../../session/live-environment.tsx";
import { useEnvironment } from "../../session/session-provider.tsx";
import { listParams, matches, type RunFilters } from "./run-filters.ts";
import { RunWindow, type RunWindowState } from "./run-window.ts";

/** At most one reading of the head in so many milliseconds, whatever the socket says. */
const HEAD_EVERY_MS = 1_500;
/** What is in sight and has not ended is read again so often: the socket tells of the newest runs alone. */
const SIGHT_EVERY_MS = 10_000;

export interface RunList {
  list: RunWindow;
  state: RunWindowState;
  /** Tell which rows are in sight. */
  onRange: (from: number, to: number) => void;
  /** Reads head and sight again. */
  refresh: () => void;
}

/** The list of runs with these filters, live. Who comes back to it finds it as it was left. */
export function useRunWindow(filters: RunFilters): RunList {
  const { api, key } = useEnvironment();
  const queries = useQueryClient();
  const list = useMemo(() => {
    const queryKey = key("run-window", filters);
    const kept = queries.getQueryData<RunWindow>(queryKey);
    if (kept !== undefined) return kept;
    const made = new RunWindow({
      fetch: async ({ after, limit }, signal) => {
        const page = await api.listRuns({ ...listParams(filters), after, limit });
        signal.throwIfAborted();
        return { runs: page.data, hasMore: page.hasNextPage() };
      },
      matches: (run) => matches(run, filters, Date.now()),
    });
    queries.setQueryData(queryKey, made);
    return made;
  }, [api, key, filters, queries]);
  const state = useSyncExternalStore(list.subscribe, list.getSnapshot);
  const range = useRef({ from: 0, to: 0 });
  const onRange = useCallback((from: number, to: number) => {
    range.current = { from, to };
  }, []);
  const refresh = useThrottled(
    useCallback(() => {
      void list.refreshHead();
      if (range.current.from > 0) void list.refreshRange(range.current.from, range.current.to);
    }, [list]),
  );
  useEffect(() => void list.refreshHead(), [list]);
  useHearing(list, refresh);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.hidden) return;
      const { from, to } = range.current;
      const inSight = list.getSnapshot().rows.slice(from, to + 1);
      if (inSight.some(({ status }) => !isFinalRunStatus(status))) void list.refreshRange(from, to);
    }, SIGHT_EVERY_MS);
    return () => clearInterval(timer);
  }, [list]);
  return { list, state, onRange, refresh };
}

function useHearing(list: RunWindow, refresh: () => void): void {
  const { runs, staleCount, isLoaded } = useLiveRuns();
  const { isLoaded: isListLoaded } = useSyncExternalStore(list.subscribe, list.getSnapshot);
  useEffect(() => {
    if (isLoaded && isListLoaded && list.hear(runs as readonly RunListItem[])) refresh();
  }, [list, refresh, runs, isLoaded, isListLoaded]);
  useEffect(() => {
    if (staleCount > 0) refresh();
  }, [refresh, staleCount]);
}

/** Now, and again at the end of the pause where it was asked for meanwhile. */
function useThrottled(work: () => void): () => void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const isWanted = useRef(false);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    const go = () => {
      isWanted.current = false;
      work();
      timer.current = setTimeout(() => {
        timer.current = undefined;
        if (isWanted.current) go();
      }, HEAD_EVERY_MS);
    };
    if (timer.current === undefined) go();
    else isWanted.current = true;
  }, [work]);
}
