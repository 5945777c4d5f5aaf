/* oxlint-disable typescript/no-explicit-any -- only `any` lets a type parameter be inferred in both directions here */
import type { CheckpointOption } from "../contract/checkpoint-option.ts";
import type { MachineOption } from "../contract/machine-presets.ts";
import type { RetryOptions } from "../contract/retry.ts";
import type { TaskContext } from "./context.ts";
import type { Hooks, InitOutput } from "./hooks.ts";
import type { QueueOptions } from "./queue.ts";

export interface RunParams<TInit extends InitOutput = InitOutput> {
  /** The run, its attempt, task, queue, environment, project and machine. */
  ctx: TaskContext;
  /** What the task's `init` hook returned. */
  init?: TInit | undefined;
  /** Aborted when the run is canceled; hand it to `fetch` and the like. */
  signal: AbortSignal;
  /**
   * Aborted, with the code `DRAINING`, when the worker is told to stop: its node is drained, say. The run is not canceled; it
   * may go on for the worker's grace (5 minutes) and completes if it ends within it. After it the run is started anew on
   * another worker, and no attempt is spent. `drainSignal.throwIfAborted()` at a good place asks for that at once.
   */
  drainSignal: AbortSignal;
}

export type TaskHooks<TPayload, TOutput, TInit extends InitOutput> = {
  [TName in keyof Hooks]?: Hooks<TPayload, TOutput, TInit>[TName] | undefined;
};

export interface TaskOptions<
  TIdentifier extends string,
  TPayload = void,
  TOutput = unknown,
  TInit extends InitOutput = any,
> extends TaskHooks<TPayload, TOutput, TInit> {
  /** Unique in the project; stays the same from version to version. */
  id: TIdentifier;
  description?: string | undefined;
  /** How a failed attempt is tried again. Default: 3 attempts, 1 s to 60 s apart. */
  retry?: RetryOptions | undefined;
  /** A shared queue, its name, or limits for a queue of the task's own. */
  queue?: string | QueueOptions | (Omit<QueueOptions, "name"> & { name?: string | undefined }) | undefined;
  /** Default `small-1x`. */
  machine?: MachineOption | undefined;
  /** Compute time in seconds (waits are not counted); then the run is TIMED_OUT. */
  maxDuration?: number | undefined;
  /** A run that has not started by then is EXPIRED. Seconds, or `"1h30m"`. */
  ttl?: string | number | undefined;
  /**
   * What becomes of the worker while a run waits. `"auto"` (the default) holds it for a short wait; for a longer one it
   * leaves where a replay would repeat nothing. `"hold"` keeps it, `"replay"` always leaves where that is safe. `"process"`
   * stores its process and brings it back at the next line, on a cluster that allows it (docs/process-checkpoints.md); where
   * that cannot be, as `"auto"`. An object says more: `{ mode, process, holdMs, strict, unchecked, onHoldLost }`;
   * `{ process: true }` lets `auto` store it.
   */
  checkpoint?: CheckpointOption | undefined;
  /** JSON schema of the payload, shown to those who trigger the task. */
  jsonSchema?: object | undefined;
  run: (payload: TPayload, params: RunParams<TInit>) => Promise<TOutput> | TOutput;
  /** The older name of `catchError`. */
  handleError?: Hooks<TPayload, TOutput, TInit>["catchError"] | undefined;
}

export type AnyTaskOptions = TaskOptions<string, any, any, any>;
