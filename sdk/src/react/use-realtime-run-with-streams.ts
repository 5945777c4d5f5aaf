import { useMemo } from "react";
import { RunWithStreamsObserver, type RunWithStreamsSnapshot, type StreamParts } from "../client/realtime/index.ts";
import type { AnyTask } from "../client/run-handle.ts";
import { liveInstance, useObserver, useWhenDone } from "./use-observer.ts";
import { skipOf, type UseRealtimeRunInstance, type UseRealtimeRunOptions, useRunAccess } from "./use-realtime-run.ts";

export interface UseRealtimeRunWithStreamsOptions<TTask extends AnyTask = AnyTask>
  extends UseRealtimeRunOptions<TTask> {
  /** Ids of the streams to read. Default: all that the run writes, each as soon as it is found. */
  streams?: readonly string[] | undefined;
}

export interface UseRealtimeRunWithStreamsInstance<
  TTask extends AnyTask = AnyTask,
  TStreams extends Record<string, unknown> = Record<string, unknown>,
> extends UseRealtimeRunInstance<TTask> {
  /** By the stream's id, all its parts so far. */
  streams: StreamParts<TStreams>;
}

const IDLE: RunWithStreamsSnapshot<AnyTask, Record<string, unknown>> = {
  run: undefined,
  streams: {},
  error: undefined,
  connection: "connecting",
  connectionReason: "STARTING",
};

/**
 * A run and what it streams.
 *
 * @example const { run, streams } = useRealtimeRunWithStreams<typeof chat, { answer: string }>(runId, { accessToken });
 */
export function useRealtimeRunWithStreams<
  TTask extends AnyTask = AnyTask,
  TStreams extends Record<string, unknown> = Record<string, unknown>,
>(
  runId: string | undefined,
  options: UseRealtimeRunWithStreamsOptions<TTask> = {},
): UseRealtimeRunWithStreamsInstance<TTask, TStreams> {
  const access = useRunAccess(runId, options);
  const { stopOnCompletion } = options;
  const skipKey = skipOf(options.skipColumns).join(",");
  const streamsKey = options.streams === undefined ? undefined : JSON.stringify(options.streams);
  const observer = useMemo(() => {
    if (!access.ok || runId === undefined) return undefined;
    const skip = skipOf(skipKey.split(","));
    const streams = streamsKey === undefined ? undefined : (JSON.parse(streamsKey) as string[]);
    return new RunWithStreamsObserver<TTask, TStreams>(runId, { ...access.options, stopOnCompletion, skip, streams });
  }, [access, runId, stopOnCompletion, skipKey, streamsKey]);
  const snapshot = useObserver(observer, IDLE as RunWithStreamsSnapshot<TTask, TStreams>);
  const { run, streams, error } = snapshot;
  const isDone = run !== undefined && (run.isCompleted || snapshot.connection === "closed");
  useWhenDone(observer, isDone, () => run !== undefined && options.onComplete?.(run, error));
  return { run, streams, ...liveInstance(snapshot, access, observer) };
}
