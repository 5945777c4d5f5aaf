import type { JournalAppend, JournalCompletion, OpenWait } from "../contract/journal.ts";
import type { AttemptOutcome, Grant, MetadataOperation, RunEvent } from "../contract/worker-protocol.ts";

/** Where a run's journal is kept, as the code of the run sees it. */
export interface JournalHost {
  /**
   * Stores entries, in the order of the calls; those of one turn of the event loop may share a write. Resolves once they are
   * durable. What they complete, and what others complete, comes through `onCompletions`, the former before the promise
   * resolves. Errors: JOURNAL_LIMIT and others, as `{ code, message }`.
   */
  append(entries: JournalAppend[]): Promise<void>;
  /** Told of completions, in the order of `seq`, each once; never while the run has no slot. Set before the first append. */
  onCompletions(listener: (completions: JournalCompletion[]) => void): void;
  /**
   * The run has at least one open wait, and no step or trigger in flight; undefined: it goes on. `known` is the last
   * completion that was delivered to the code.
   */
  waiting(state: { known: number; waits: OpenWait[] } | undefined): void;
  /** Whether something of the task's own is under way that could resume its code; absent where that cannot be seen. */
  isBusy?(): boolean;
}

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
  /** Absent where a run cannot wait: in an onFailure hook of a run that has ended. */
  journal?: JournalHost | undefined;
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
