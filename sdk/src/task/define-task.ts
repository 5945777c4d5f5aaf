/* oxlint-disable typescript/no-explicit-any -- only `any` lets a type parameter be inferred in both directions here */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { batchTrigger } from "../client/batch-trigger.ts";
import type { TriggerRequestOptions } from "../client/request-options.ts";
import type {
  BatchItem,
  BatchRunHandle,
  BatchTriggerOptions,
  ItemSource,
  RunHandle,
  TriggerOptions,
} from "../client/run-handle.ts";
import { trigger } from "../client/trigger.ts";
import { catalogue, registerTask } from "./catalogue.ts";
import type { InitOutput } from "./hooks.ts";
import { type CustomSchema, payloadParser, type SchemaIn, type SchemaOut, type TaskSchema } from "./schema.ts";
import type { AnyTaskOptions, TaskOptions } from "./task-options.ts";
import { type BatchTriggerAndWaitOptions, batchTriggerAndWait } from "./waits/batch-and-wait.ts";
import type { BatchResult, TaskRunPromise } from "./waits/task-run-promise.ts";
import { type TriggerAndSubscribeOptions, triggerAndSubscribe } from "./waits/trigger-and-subscribe.ts";
import { type TriggerAndWaitOptions, triggerAndWait } from "./waits/trigger-and-wait.ts";

/** A task as others see it: its id and how to start runs of it. */
export interface Task<TIdentifier extends string, TPayload = void, TOutput = any> {
  id: TIdentifier;
  description?: string | undefined;
  jsonSchema?: object | undefined;
  /** Starts a run and returns once it is stored. Errors: the client's `ApiError`s. */
  trigger(
    payload: TPayload,
    options?: TriggerOptions,
    requestOptions?: TriggerRequestOptions,
  ): Promise<RunHandle<TIdentifier, TPayload, TOutput>>;
  /** Starts a run for each item, in their order. */
  batchTrigger(
    items: ItemSource<BatchItem<TPayload>>,
    options?: BatchTriggerOptions,
    requestOptions?: TriggerRequestOptions,
  ): Promise<BatchRunHandle<TIdentifier, TPayload, TOutput>>;
  /**
   * Starts a run and suspends the calling one until it has ended; inside runs only.
   *
   * @example
   * const result = await resize.triggerAndWait({ url });
   * if (result.ok) console.log(result.output.width);
   * const { width } = await resize.triggerAndWait({ url }).unwrap();
   */
  triggerAndWait(
    payload: TPayload,
    options?: TriggerAndWaitOptions,
    requestOptions?: TriggerRequestOptions,
  ): TaskRunPromise<TIdentifier, TOutput>;
  /** Starts a run for each item and suspends the calling one until all have ended; the results are in their order. */
  batchTriggerAndWait(
    items: ItemSource<BatchItem<TPayload>>,
    options?: BatchTriggerAndWaitOptions,
    requestOptions?: TriggerRequestOptions,
  ): Promise<BatchResult<TIdentifier, TOutput>>;
  /** As triggerAndWait, but the calling run stays in its process; `options.signal` ends the waiting and the child. */
  triggerAndSubscribe(payload: TPayload, options?: TriggerAndSubscribeOptions): TaskRunPromise<TIdentifier, TOutput>;
}

export interface TaskWithSchema<TIdentifier extends string, TSchema extends TaskSchema | undefined, TOutput = any>
  extends Task<TIdentifier, SchemaIn<TSchema>, TOutput> {
  schema?: TSchema;
}

export type TaskWithSchemaOptions<
  TIdentifier extends string,
  TSchema extends TaskSchema | undefined,
  TOutput = unknown,
  TInit extends InitOutput = any,
> = TaskOptions<TIdentifier, SchemaOut<TSchema>, TOutput, TInit> & { schema?: TSchema };

/**
 * Defines a task: a function with an id that runs in a process of its own, with retries, a queue and a record.
 *
 * Hooks written below `run` know its payload and output; TypeScript infers from top to bottom.
 *
 * @example
 * export const hello = task({
 *   id: "hello",
 *   retry: { maxAttempts: 5 },
 *   run: async (payload: { name: string }) => `Hello, ${payload.name}!`,
 * });
 */
export function task<TIdentifier extends string, TOutput = unknown, TInit extends InitOutput = any>(
  options: TaskOptions<TIdentifier, any, TOutput, TInit> & { jsonSchema: object },
): Task<TIdentifier, any, TOutput>;
export function task<TIdentifier extends string, TPayload = void, TOutput = unknown, TInit extends InitOutput = any>(
  options: TaskOptions<TIdentifier, TPayload, TOutput, TInit>,
): Task<TIdentifier, TPayload, TOutput>;
export function task(options: AnyTaskOptions): Task<string, any, any> {
  return define(options, {});
}

/**
 * Defines a task whose payload is checked by a schema (zod, valibot, arktype, any Standard Schema, or a function)
 * before the function sees it; a payload that does not fit fails the run without a retry.
 */
export function schemaTask<
  TIdentifier extends string,
  TSchema extends StandardSchemaV1<any, any>,
  TOutput = unknown,
  TInit extends InitOutput = any,
>(
  options: TaskWithSchemaOptions<TIdentifier, TSchema, TOutput, TInit> & { schema: TSchema },
): TaskWithSchema<TIdentifier, TSchema, TOutput>;
// Apart from the above, so that a parser written in place gives its type.
export function schemaTask<TIdentifier extends string, TPayload, TOutput = unknown, TInit extends InitOutput = any>(
  options: TaskOptions<TIdentifier, TPayload, TOutput, TInit> & { schema: CustomSchema<TPayload> },
): TaskWithSchema<TIdentifier, CustomSchema<TPayload>, TOutput>;
export function schemaTask<
  TIdentifier extends string,
  TSchema extends TaskSchema | undefined = undefined,
  TOutput = unknown,
  TInit extends InitOutput = any,
>(options: TaskWithSchemaOptions<TIdentifier, TSchema, TOutput, TInit>): TaskWithSchema<TIdentifier, TSchema, TOutput>;
export function schemaTask(options: AnyTaskOptions & { schema?: TaskSchema | undefined }): Task<string, any, any> {
  const { schema } = options;
  const defined = define(options, schema ? { schema, parsePayload: payloadParser(schema) } : {});
  return Object.assign(defined, { schema });
}

interface Parsing {
  schema?: TaskSchema;
  parsePayload?: (payload: unknown) => Promise<unknown>;
}

function define(options: AnyTaskOptions, parsing: Parsing): Task<string, any, any> {
  const { id } = options;
  const defined: Task<string, any, any> = {
    id,
    description: options.description,
    jsonSchema: options.jsonSchema,
    trigger: (payload, given, request) => trigger(id, payload, given, request),
    batchTrigger: (items, given, request) => batchTrigger(id, items, given, request),
    triggerAndWait: (payload, given, request) => triggerAndWait(id, payload, given, request),
    batchTriggerAndWait: (items, given, request) => batchTriggerAndWait(id, items, given, request),
    triggerAndSubscribe: (payload, given) => triggerAndSubscribe(id, payload, given),
  };
  registerTask(defined, { id, filePath: catalogue().currentFile ?? "", options, ...parsing });
  return defined;
}
