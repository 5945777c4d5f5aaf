import type { AttemptOutcome, Grant, MetadataOperation, RunEvent } from "../contract/worker-protocol.ts";

/** What the surroundings of a run offer to the task's code: the worker's task process implements it, and so does `@gantry/sdk/testing`. */
export interface TaskHost {
  /** Base URL of the platform's API and a token for it, for triggers made inside the run; undefined in a unit test. */
  api: { url: string; token: string } | undefined;
  /** Logs, console output and events, in order; never blocks, never throws. */
  emit(event: RunEvent): void;
  /** Metadata operations in order; the host coalesces and sends them. */
  metadata(change: {
    operations?: MetadataOperation[];
    parentOperations?: MetadataOperation[];
    rootOperations?: MetadataOperation[];
  }): void;
  /** Aborted when the worker is told to stop; absent where that never happens, as in a unit test. */
  drainSignal?: AbortSignal | undefined;
  /** Resolves when all that was emitted so far is out of this process. */
  flush(): Promise<void>;
}

/**
 * The outcomes that the function itself can have; time-outs and crashes are seen by the runner, but for one:
 * `OutOfMemoryError`, by which native code that survived says that it ran out of memory. `returned` is a function that
 * threw the reason of its `drainSignal`: it wants to be started elsewhere.
 */
export type TaskOutcome = Extract<
  AttemptOutcome,
  { kind: "completed" | "failed" | "canceled" | "crashed" | "returned" }
>;

/** Runs one attempt of the granted run: middleware, hooks, schema, the function, serialisation. Never rejects. */
export type ExecuteTask = (grant: Grant, host: TaskHost, signal: AbortSignal) => Promise<TaskOutcome>;
