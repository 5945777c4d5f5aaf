import { useEffect, useMemo, useState } from "react";
import type { RetrievedRun } from "../client/replies.ts";
import type { AnyTask, InferOutput, InferPayload } from "../client/run-handle.ts";
import { requestRun } from "../client/run-request.ts";
import { configOf, type UseApiClientOptions } from "./live-options.ts";
import { useRunAccess } from "./use-realtime-run.ts";

export interface UseRunOptions extends UseApiClientOptions {
  /** Milliseconds between two looks while the run has not ended. Default: one look. */
  refreshInterval?: number | undefined;
}

export interface UseRunInstance<TTask extends AnyTask = AnyTask> {
  run: RetrievedRun<InferPayload<TTask>, InferOutput<TTask>> | undefined;
  error: Error | undefined;
  /** Nothing has come yet. */
  isLoading: boolean;
  /** A look is under way. */
  isValidating: boolean;
  isError: boolean;
}

interface Look {
  key: object | undefined;
  run: RetrievedRun<unknown, unknown> | undefined;
  error: Error | undefined;
  isValidating: boolean;
}

/** A run as it is at one look (or at one in each interval), over REST. `useRealtimeRun` follows it. */
export function useRun<TTask extends AnyTask = AnyTask>(
  runId: string | undefined,
  options: UseRunOptions = {},
): UseRunInstance<TTask> {
  const access = useRunAccess(runId, options);
  const { refreshInterval } = options;
  const key = useMemo(() => ({ access, runId }), [access, runId]);
  const [look, setLook] = useState<Look>({ key: undefined, run: undefined, error: undefined, isValidating: false });
  useEffect(() => {
    if (!key.access.ok || key.runId === undefined) return;
    const { options: liveOptions } = key.access;
    const id = key.runId;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const refresh = async () => {
      setLook((before) => ({
        ...(before.key === key ? before : { key, run: undefined, error: undefined }),
        isValidating: true,
      }));
      const found = await configOf(liveOptions)
        .then((config) => requestRun(config, id))
        .then(
          (run) => ({ run, error: undefined }),
          (error: Error) => ({ error }),
        );
      if (isOver) return;
      setLook((before) => ({ ...before, ...found, key, isValidating: false }));
      const isEnded = "run" in found && found.run.isCompleted;
      if (refreshInterval !== undefined && refreshInterval > 0 && !isEnded)
        timer = setTimeout(refresh, refreshInterval);
    };
    void refresh();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [key, refreshInterval]);
  // What belongs to another run is not shown.
  const shown = look.key === key ? look : undefined;
  const error = shown?.error ?? (access.ok ? undefined : access.error);
  return {
    run: shown?.run as UseRunInstance<TTask>["run"],
    error,
    isLoading: access.ok && shown?.run === undefined && error === undefined,
    isValidating: shown?.isValidating ?? access.ok,
    isError: error !== undefined,
  };
}
