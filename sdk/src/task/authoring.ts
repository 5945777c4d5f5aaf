/** What task files use; part of the package's main entry, so it loads in every runtime. */
export { batch } from "./batch.ts";
export type { TaskContext } from "./context.ts";
export {
  schemaTask,
  type Task,
  type TaskWithSchema,
  type TaskWithSchemaOptions,
  task,
} from "./define-task.ts";
export type { StepOptions } from "./durable/durable-run.ts";
export { repeatable, step } from "./durable/step.ts";
export {
  AbortTaskRunError,
  CompleteTaskWithOutput,
  OutOfMemoryError,
  RetryAfterError,
  TaskExecutionError,
  TaskPayloadParsedError,
} from "./errors.ts";
export type {
  CatchErrorDecision,
  CatchErrorHook,
  CatchErrorResult,
  CleanupHook,
  HookParams,
  InitOutput,
  MiddlewareHook,
  OnCancelHook,
  OnCompleteHook,
  OnFailureHook,
  OnInitHook,
  OnResumeHook,
  OnStartAttemptHook,
  OnStartHook,
  OnSuccessHook,
  OnWaitHook,
  TaskCompleteResult,
  TaskWait,
} from "./hooks.ts";
export { type LocalsKey, locals } from "./locals.ts";
export { logger, type TraceSpan } from "./logger.ts";
export { type MetadataUpdater, metadata, type RunMetadata } from "./metadata.ts";
export { type Queue, type QueueOptions, queue, type RateLimitOptions } from "./queue.ts";
export { retry } from "./retry.ts";
export type { FetchRetryOptions, FetchRetryStrategy, RetryFetchInit } from "./retry-fetch.ts";
export {
  type CronOption,
  type EnvironmentKind,
  type ScheduledTaskOptions,
  type ScheduledTaskPayload,
  schedules,
} from "./schedules.ts";
export type { SchemaIn, SchemaOut, TaskSchema } from "./schema.ts";
export type { AppendStreamOptions } from "./streams/append.ts";
export type {
  InputStream,
  InputStreamOnceOptions,
  InputStreamSubscription,
  InputStreamWaitOptions,
  InputStreamWaitWithIdleTimeoutOptions,
} from "./streams/input-stream.ts";
export {
  InputStreamOncePromise,
  type InputStreamOnceResult,
  InputStreamTimeoutError,
} from "./streams/once-promise.ts";
export type { PipeStreamOptions, PipeStreamResult, StreamSource, StreamWriteResult } from "./streams/pipe.ts";
export { type DefinedStream, type InferInputStreamType, type InferStreamType, streams } from "./streams/streams.ts";
export type { StreamWriter, WriterStreamOptions } from "./streams/writer.ts";
export { tags } from "./tags.ts";
export type { RunParams, TaskOptions } from "./task-options.ts";
export { tasks } from "./tasks.ts";
export { timeout } from "./timeout.ts";
export { type ComputeUsage, type CurrentUsage, usage } from "./usage.ts";
export type { BatchTriggerAndWaitOptions } from "./waits/batch-and-wait.ts";
export {
  type BatchResult,
  SubtaskUnwrapError,
  TaskRunPromise,
  type TaskRunResult,
} from "./waits/task-run-promise.ts";
export { ManualWaitpointPromise, WaitpointTimeoutError } from "./waits/token-promise.ts";
export type { TriggerAndSubscribeOptions } from "./waits/trigger-and-subscribe.ts";
export type { TriggerAndWaitOptions } from "./waits/trigger-and-wait.ts";
export { type CommonWaitOptions, type WaitForOptions, type WaitUntilOptions, wait } from "./waits/wait.ts";
