"use client";
/** `@gantry/sdk/react`: runs, sets of runs and streams as hooks, with the names of @trigger.dev/react-hooks. */

export type {
  AccessToken,
  ConnectionReason,
  ConnectionState,
  RealtimeRun,
  StreamParts,
} from "../client/realtime/index.ts";
export {
  type GantryAuth,
  GantryProvider,
  type GantryProviderProps,
  TriggerAuthContext,
  useTriggerAuthContext,
  useTriggerAuthContextOptional,
} from "./auth-context.ts";
export type { UseApiClientOptions } from "./live-options.ts";
export { type InputStreamSendInstance, useInputStreamSend } from "./use-input-stream-send.ts";
export type { LiveInstance } from "./use-observer.ts";
export {
  type UseRealtimeOptions,
  type UseRealtimeRunInstance,
  type UseRealtimeRunOptions,
  useRealtimeRun,
} from "./use-realtime-run.ts";
export {
  type UseRealtimeRunWithStreamsInstance,
  type UseRealtimeRunWithStreamsOptions,
  useRealtimeRunWithStreams,
} from "./use-realtime-run-with-streams.ts";
export {
  type UseRealtimeEnvironmentOptions,
  type UseRealtimeRunsInstance,
  type UseRealtimeRunsWithTagOptions,
  useRealtimeBatch,
  useRealtimeEnvironment,
  useRealtimeRunsWithTag,
} from "./use-realtime-runs.ts";
export {
  type StreamEvent,
  type UseRealtimeStreamInstance,
  type UseRealtimeStreamOptions,
  useRealtimeStream,
} from "./use-realtime-stream.ts";
export {
  type RealtimeTriggerInstance,
  type RealtimeTriggerInstanceWithStreams,
  type UseRealtimeTaskTriggerOptions,
  useRealtimeTaskTrigger,
  useRealtimeTaskTriggerWithStreams,
} from "./use-realtime-task-trigger.ts";
export { type UseRunInstance, type UseRunOptions, useRun } from "./use-run.ts";
export { type TriggerInstance, type UseTaskTriggerOptions, useTaskTrigger } from "./use-task-trigger.ts";
export { useWaitToken, type WaitTokenInstance } from "./use-wait-token.ts";
