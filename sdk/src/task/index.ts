/**
 * What task files use, and what a worker needs to index and execute them. The package's main entry re-exports the first
 * part; `executeTask` and the catalogue are for the worker, the CLI and `@gantry/sdk/testing`.
 */
export { type Catalogue, catalogue, importTaskFile, type RegisteredTask } from "./catalogue.ts";
export type { TaskContext } from "./context.ts";
export { schemaTask, type Task, type TaskWithSchema, type TaskWithSchemaOptions, task } from "./define-task.ts";
export { DeclarationError, describeCatalogue } from "./describe-catalogue.ts";
export { AbortTaskRunError, RetryAfterError, TaskExecutionError, TaskPayloadParsedError } from "./errors.ts";
export { executeTask } from "./execute-task.ts";
export { globalHooks } from "./global-hooks.ts";
export type * from "./hooks.ts";
export type { ExecuteTask, TaskHost, TaskOutcome } from "./host.ts";
export { type LocalsKey, locals } from "./locals.ts";
export { logger, type TraceSpan } from "./logger.ts";
export { type MetadataUpdater, metadata, type RunMetadata } from "./metadata.ts";
export { type Queue, type QueueOptions, queue, type RateLimitOptions } from "./queue.ts";
export { type RetryOptions, retry } from "./retry.ts";
export type { FetchRetryOptions, FetchRetryStrategy, RetryFetchInit } from "./retry-fetch.ts";
export type { SchemaIn, SchemaOut, TaskSchema } from "./schema.ts";
export { tags } from "./tags.ts";
export type { RunParams, TaskOptions } from "./task-options.ts";
export { timeout } from "./timeout.ts";
export { type ComputeUsage, type CurrentUsage, usage } from "./usage.ts";
