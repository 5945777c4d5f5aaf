import { useMemo } from "react";
import { type RealtimeRun, type RunSetTarget, RunsObserver, type RunsSnapshot } from "../client/realtime/index.ts";
import type { AnyTask } from "../client/run-handle.ts";
import { parseDurationMs } from "../contract/duration.ts";
import { useAccess } from "./live-options.ts";
import { type LiveInstance, liveInstance, useObserver } from "./use-observer.ts";
import type { UseRealtimeOptions } from "./use-realtime-run.ts";

export interface UseRealtimeRunsInstance<TTask extends AnyTask = AnyTask> extends LiveInstance {
  /** Newest first. Without payloads, outputs and errors: `useRealtimeRun` has those. */
  runs: readonly RealtimeRun<TTask>[];
  /** False until the first word of them. */
  isLoaded: boolean;
  /** Grows when more changed than is sent one by one: fetch the list anew then. Environments only. */
  staleCount: number;
}

export interface UseRealtimeRunsWithTagOptions extends UseRealtimeOptions {
  /** Runs made since: `"1h"`, `"7d"`. Default 24 hours. */
  createdAt?: string | undefined;
  skipColumns?: readonly string[] | undefined;
}

export interface UseRealtimeEnvironmentOptions extends UseRealtimeOptions {
  /** How many runs, the newest. Default 100. */
  limit?: number | undefined;
}

const IDLE: RunsSnapshot = {
  runs: [],
  isLoaded: false,
  staleCount: 0,
  error: undefined,
  connection: "connecting",
  connectionReason: "STARTING",
};

/** The runs with a tag (with all of them, where several are given). */
export function useRealtimeRunsWithTag<TTask extends AnyTask = AnyTask>(
  tag: string | string[] | undefined,
  options: UseRealtimeRunsWithTagOptions = {},
): UseRealtimeRunsInstance<TTask> {
  const tags = tag === undefined ? [] : [tag].flat();
  const target: RunSetTarget | undefined = tags.length === 0 ? undefined : { kind: "tag", tags };
  return useRunSet<TTask>(target, options, options.createdAt);
}

/** The runs of a batch. */
export function useRealtimeBatch<TTask extends AnyTask = AnyTask>(
  batchId: string | undefined,
  options: UseRealtimeOptions = {},
): UseRealtimeRunsInstance<TTask> {
  return useRunSet<TTask>(batchId === undefined ? undefined : { kind: "batch", batchId }, options);
}

/** The newest runs of the environment; the token has to be one that may read all of them. */
export function useRealtimeEnvironment(options: UseRealtimeEnvironmentOptions = {}): UseRealtimeRunsInstance {
  const { limit } = options;
  return useRunSet({ kind: "environment", ...(limit !== undefined && { limit }) }, options);
}

function useRunSet<TTask extends AnyTask>(
  target: RunSetTarget | undefined,
  options: UseRealtimeOptions,
  since?: string,
): UseRealtimeRunsInstance<TTask> {
  const access = useAccess({ ...options, enabled: target !== undefined && (options.enabled ?? true) });
  const key = JSON.stringify([target, since]);
  const observer = useMemo(() => {
    const [wanted, period] = JSON.parse(key) as [RunSetTarget | null, string | null];
    if (!access.ok || wanted === null) return undefined;
    return new RunsObserver<TTask>(createdSince(wanted, period ?? undefined), access.options);
  }, [access, key]);
  const snapshot = useObserver(observer, IDLE as RunsSnapshot<TTask>);
  const { runs, isLoaded, staleCount } = snapshot;
  return { runs, isLoaded, staleCount, ...liveInstance(snapshot, access, observer) };
}

function createdSince(target: RunSetTarget, period: string | undefined): RunSetTarget {
  if (target.kind !== "tag" || period === undefined) return target;
  const ms = parseDurationMs(period);
  if (ms === undefined) throw new RangeError(`createdAt is "${period}": write it like "1h" or "7d".`);
  return { ...target, createdAfter: new Date(Date.now() - ms).toISOString() };
}
