import type { AnyTask, TaskIdentifier } from "../client/run-handle.ts";
import type { UseApiClientOptions } from "./live-options.ts";
import { type UseRealtimeRunInstance, useRealtimeRun } from "./use-realtime-run.ts";
import { type UseRealtimeRunWithStreamsInstance, useRealtimeRunWithStreams } from "./use-realtime-run-with-streams.ts";
import { type TriggerInstance, useTaskTrigger } from "./use-task-trigger.ts";

export interface UseRealtimeTaskTriggerOptions extends UseApiClientOptions {
  throttleInMs?: number | undefined;
  skipColumns?: readonly string[] | undefined;
}

export type RealtimeTriggerInstance<TTask extends AnyTask> = UseRealtimeRunInstance<TTask> & TriggerInstance<TTask>;
export type RealtimeTriggerInstanceWithStreams<
  TTask extends AnyTask,
  TStreams extends Record<string, unknown>,
> = UseRealtimeRunWithStreamsInstance<TTask, TStreams> & TriggerInstance<TTask>;

/** Starts a run and watches it, with the token that came with its handle. */
export function useRealtimeTaskTrigger<TTask extends AnyTask>(
  id: TaskIdentifier<TTask>,
  options: UseRealtimeTaskTriggerOptions = {},
): RealtimeTriggerInstance<TTask> {
  const trigger = useTaskTrigger<TTask>(id, options);
  const watch = useRealtimeRun<TTask>(trigger.handle?.id, watchOptions(options, trigger.handle));
  return { ...trigger, ...watch, error: trigger.error ?? watch.error };
}

export function useRealtimeTaskTriggerWithStreams<
  TTask extends AnyTask,
  TStreams extends Record<string, unknown> = Record<string, unknown>,
>(
  id: TaskIdentifier<TTask>,
  options: UseRealtimeTaskTriggerOptions = {},
): RealtimeTriggerInstanceWithStreams<TTask, TStreams> {
  const trigger = useTaskTrigger<TTask>(id, options);
  const watch = useRealtimeRunWithStreams<TTask, TStreams>(trigger.handle?.id, watchOptions(options, trigger.handle));
  return { ...trigger, ...watch, error: trigger.error ?? watch.error };
}

/** The trigger's token may start runs, and often only once; the handle's may read this one. */
function watchOptions(options: UseRealtimeTaskTriggerOptions, handle: { publicAccessToken: string } | undefined) {
  const { refreshAccessToken: _refresh, accessToken, ...rest } = options;
  return { ...rest, accessToken: handle?.publicAccessToken || accessToken };
}
