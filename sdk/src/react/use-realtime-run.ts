import { useMemo } from "react";
import { type RealtimeRun, RunObserver, type RunSnapshot } from "../client/realtime/index.ts";
import type { AnyTask } from "../client/run-handle.ts";
import { type UseApiClientOptions, useAccess } from "./live-options.ts";
import { type LiveInstance, liveInstance, useObserver, useWhenDone } from "./use-observer.ts";

export interface UseRealtimeOptions extends UseApiClientOptions {
  /** Accepted for Trigger.dev's sake: hooks share one socket as it is. */
  id?: string | undefined;
  /** The component renders at most once in so many milliseconds. Default 50. */
  throttleInMs?: number | undefined;
}

export interface UseRealtimeRunOptions<TTask extends AnyTask = AnyTask> extends UseRealtimeOptions {
  /** Called once, when the run has ended or the subscription is over. */
  onComplete?: ((run: RealtimeRun<TTask>, error?: Error) => void) | undefined;
  /** Ends the subscription when the run has ended. Default true. */
  stopOnCompletion?: boolean | undefined;
  /** Fields that are not to be sent; of Trigger.dev's columns `payload` and `output` count. */
  skipColumns?: readonly string[] | undefined;
}

export interface UseRealtimeRunInstance<TTask extends AnyTask = AnyTask> extends LiveInstance {
  /** Undefined until the first word of it. */
  run: RealtimeRun<TTask> | undefined;
}

const IDLE: RunSnapshot = {
  run: undefined,
  error: undefined,
  connection: "connecting",
  connectionReason: "STARTING",
};

/**
 * A run as it is now, until it has ended. Without a `runId` it waits for one.
 *
 * @example const { run, error, connection } = useRealtimeRun<typeof importCsv>(handle?.id, { accessToken });
 */
export function useRealtimeRun<TTask extends AnyTask = AnyTask>(
  runId: string | undefined,
  options: UseRealtimeRunOptions<TTask> = {},
): UseRealtimeRunInstance<TTask> {
  const access = useRunAccess(runId, options);
  const { stopOnCompletion } = options;
  const skipKey = skipOf(options.skipColumns).join(",");
  const observer = useMemo(() => {
    if (!access.ok || runId === undefined) return undefined;
    const skip = skipOf(skipKey.split(","));
    return new RunObserver<TTask>(runId, { ...access.options, stopOnCompletion, skip });
  }, [access, runId, stopOnCompletion, skipKey]);
  const snapshot = useObserver(observer, IDLE as RunSnapshot<TTask>);
  const { run, error } = snapshot;
  const isDone = run !== undefined && (run.isCompleted || snapshot.connection === "closed");
  useWhenDone(observer, isDone, () => run !== undefined && options.onComplete?.(run, error));
  return { run, ...liveInstance(snapshot, access, observer) };
}

/** Without a run there is nothing to ask, and no token is missed. */
export function useRunAccess(runId: string | undefined, options: UseRealtimeOptions) {
  return useAccess({ ...options, enabled: runId !== undefined && (options.enabled ?? true) });
}

export function skipOf(columns: readonly string[] | undefined): ("payload" | "output")[] {
  return (columns ?? []).filter((name): name is "payload" | "output" => name === "payload" || name === "output");
}
