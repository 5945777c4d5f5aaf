/** What a task looks like to those who trigger it, and the options of a trigger. */
import type { IdempotencyKey } from "./idempotency-key.ts";
import type { MachineOption } from "./machine-presets.ts";
import type { RetryOptions } from "./retry.ts";
import type { BatchItems } from "./trigger-client.ts";

/** Options of one API call. */
export interface RequestOptions {
  /** How a call that failed on its way is retried. */
  retry?: RetryOptions | undefined;
  /** Of the public token that comes back with a handle. */
  publicAccessToken?: { expirationTime?: number | Date | string | undefined } | undefined;
  /** For one call, in place of `configure()` and the environment. */
  clientConfig?: { baseURL?: string | undefined; accessToken?: string | undefined; secretKey?: string | undefined } | undefined;
}

export interface TriggerOptions {
  /** One run per key; see `idempotencyKeys.create`. An array is joined to one key. */
  idempotencyKey?: IdempotencyKey | string | string[] | undefined;
  /** How long the key holds: `"60s"`, `"5m"`, `"24h"`, `"3d"`. Default 30 days. */
  idempotencyKeyTTL?: string | undefined;
  maxAttempts?: number | undefined;
  /** The name of a queue that the version declares. */
  queue?: string | undefined;
  /** Gives each value its own copy of the queue's limit. */
  concurrencyKey?: string | undefined;
  /** `"1h52m18s"` from now, or an instant. */
  delay?: string | Date | undefined;
  /** The run expires when it has not started by then; a number is seconds. */
  ttl?: string | number | undefined;
  /** Seconds of head start over runs without priority. */
  priority?: number | undefined;
  tags?: string | string[] | undefined;
  /** JSON. At most 256 KB. */
  metadata?: Record<string, unknown> | undefined;
  /** Compute time in seconds. */
  maxDuration?: number | undefined;
  machine?: MachineOption | undefined;
  /** Runs on exactly this version. */
  version?: string | undefined;
}

export interface BatchTriggerOptions {
  idempotencyKey?: IdempotencyKey | string | string[] | undefined;
  idempotencyKeyTTL?: string | undefined;
}

export interface BatchItem<TPayload> {
  payload: TPayload;
  options?: TriggerOptions | undefined;
}

/** `TPayload` and `TOutput` exist for the compiler only. */
interface Typed<TPayload, TOutput> {
  readonly __payload?: TPayload;
  readonly __output?: TOutput;
}

export interface RunHandle<TIdentifier extends string, TPayload, TOutput> extends Typed<TPayload, TOutput> {
  id: string;
  taskIdentifier: TIdentifier;
  /** May read this one run, from a browser too. */
  publicAccessToken: string;
}
export type AnyRunHandle = RunHandle<string, any, any>;

// The identifier types `runs.*` calls that take a handle; a batch's handle itself has no run.
export interface BatchRunHandle<TIdentifier extends string, TPayload, TOutput> extends Typed<TPayload, TOutput> {
  readonly __taskIdentifier?: TIdentifier;
  batchId: string;
  runCount: number;
  publicAccessToken: string;
}
export type AnyBatchRunHandle = BatchRunHandle<string, any, any>;

export interface Task<TIdentifier extends string, TPayload = void, TOutput = any> {
  id: TIdentifier;
  description?: string | undefined;
  jsonSchema?: unknown;
  /** Starts a run and returns once it is stored. */
  trigger(
    payload: TPayload,
    options?: TriggerOptions,
    requestOptions?: RequestOptions,
  ): Promise<RunHandle<TIdentifier, TPayload, TOutput>>;
  /** Starts up to 1000 runs in one call; more when the items are streamed. */
  batchTrigger(
    items: BatchItems<TPayload>,
    options?: BatchTriggerOptions,
    requestOptions?: RequestOptions,
  ): Promise<BatchRunHandle<TIdentifier, TPayload, TOutput>>;
}

export type AnyTask = Task<string, any, any>;
export type TaskIdentifier<TTask extends AnyTask> = TTask extends Task<infer TIdentifier, any, any> ? TIdentifier : never;
export type TaskPayload<TTask extends AnyTask> = TTask extends Task<string, infer TPayload, any> ? TPayload : never;
export type TaskOutput<TTask extends AnyTask> = TTask extends Task<string, any, infer TOutput> ? TOutput : never;
export type TaskFromIdentifier<TTask extends AnyTask, TIdentifier extends TTask["id"]> = TTask extends { id: TIdentifier }
  ? TTask
  : never;
export type TaskRunHandle<TTask extends AnyTask> = RunHandle<
  TaskIdentifier<TTask>,
  TaskPayload<TTask>,
  TaskOutput<TTask>
>;
export type TaskBatchRunHandle<TTask extends AnyTask> = BatchRunHandle<
  TaskIdentifier<TTask>,
  TaskPayload<TTask>,
  TaskOutput<TTask>
>;
