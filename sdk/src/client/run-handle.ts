import type { MachineOption } from "../contract/index.ts";

declare const runTypes: unique symbol;

/** Carries the types of a run's payload and output; nothing of it exists at run time. */
interface Typed<TPayload, TOutput> {
  readonly [runTypes]: { payload: TPayload; output: TOutput };
}

/** A key made by `idempotencyKeys.create`: 64 hexadecimal characters, scope included. */
export type IdempotencyKey = string & { readonly __idempotencyKey: true };

/** What a trigger returns. `publicAccessToken` may read this run for an hour, e.g. from a browser. */
export type RunHandle<TId extends string, TPayload, TOutput> = {
  id: string;
  publicAccessToken: string;
  taskIdentifier: TId;
  /** True where the idempotency key had a run already. */
  isCached: boolean;
} & Typed<TPayload, TOutput>;
export type AnyRunHandle = RunHandle<string, any, any>;

export type BatchRunHandle<TId extends string, TPayload, TOutput> = {
  batchId: string;
  runCount: number;
  publicAccessToken: string;
  isCached: boolean;
  readonly taskIdentifier?: TId;
} & Typed<TPayload, TOutput>;

/**
 * What the client needs to know of a task: `task()` returns more than this. Structural, so that the client does not
 * depend on how tasks are defined.
 */
export type AnyTask = { id: string; trigger: (...args: any[]) => Promise<AnyRunHandle> };

export type TaskIdentifier<T extends AnyTask> = T["id"];
export type TaskPayload<T extends AnyTask> = Parameters<T["trigger"]>[0];
export type TaskOutput<T extends AnyTask> =
  Awaited<ReturnType<T["trigger"]>> extends Typed<infer _, infer TOutput> ? TOutput : never;

/** What a bare id tells about payload and output. */
type Unknown = any;

/** The payload and output that belong to a task's type, to a run's handle, or (any) to a bare id. */
export type InferPayload<T> =
  T extends Typed<infer TPayload, infer _> ? TPayload : T extends AnyTask ? TaskPayload<T> : Unknown;
export type InferOutput<T> =
  T extends Typed<infer _, infer TOutput> ? TOutput : T extends AnyTask ? TaskOutput<T> : Unknown;

export type HandleOf<T extends AnyTask> = RunHandle<TaskIdentifier<T>, TaskPayload<T>, TaskOutput<T>>;
export type BatchHandleOf<T extends AnyTask> = BatchRunHandle<TaskIdentifier<T>, TaskPayload<T>, TaskOutput<T>>;

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | Date
  | JsonValue[]
  | { [key: string]: JsonValue };

export interface TriggerOptions {
  /** The same key, task and environment give the same run until the key's time is over or the run has failed. */
  idempotencyKey?: IdempotencyKey | string | string[] | undefined;
  /** `"24h"`, `"30d"`; 30 days by default. */
  idempotencyKeyTTL?: string | undefined;
  /** Attempts in all, overrides the task's retry. */
  maxAttempts?: number | undefined;
  /** A queue's name; `{ name }` is accepted too. */
  queue?: string | { name: string } | undefined;
  /** Each key gets its own copy of the queue's limit. */
  concurrencyKey?: string | number | undefined;
  /** `"1h"`, `"88s"`, `"1h52m18s"`, `"2w"`, an ISO date or a Date. */
  delay?: string | Date | undefined;
  /** Seconds or a duration: a run that has not started by then is EXPIRED. */
  ttl?: string | number | undefined;
  /** Seconds of head start in its queue. */
  priority?: number | undefined;
  tags?: string | string[] | undefined;
  metadata?: Record<string, JsonValue> | undefined;
  /** Compute time in seconds. */
  maxDuration?: number | undefined;
  machine?: MachineOption | undefined;
  /** A deployed version, `YYYYMMDD.N`; the current one by default. */
  version?: string | undefined;
}

export interface BatchTriggerOptions {
  /** For the whole batch: the same key gives the same batch and, by index, the same runs. */
  idempotencyKey?: IdempotencyKey | string | string[] | undefined;
  idempotencyKeyTTL?: string | undefined;
  /** Accepted for Trigger.dev's sake; items are always queued in their order. */
  triggerSequentially?: boolean | undefined;
}

/** An array, or a source that is read as the batch is sent. */
export type ItemSource<T> = T[] | Iterable<T> | AsyncIterable<T> | ReadableStream<T>;

export interface BatchItem<TPayload> {
  payload: TPayload;
  options?: TriggerOptions | undefined;
}
export interface BatchByIdItem<TTask extends AnyTask> {
  id: TaskIdentifier<TTask>;
  payload: TaskPayload<TTask>;
  options?: TriggerOptions | undefined;
}
export interface BatchByTaskItem<TTask extends AnyTask> {
  task: TTask;
  payload: TaskPayload<TTask>;
  options?: TriggerOptions | undefined;
}
