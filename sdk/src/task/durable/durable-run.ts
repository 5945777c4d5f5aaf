import type { JournalCompletion, JournalOpen } from "../../contract/journal.ts";
import type { RetryOptions } from "../../contract/retry.ts";

export interface StepOptions {
  /** Tells apart steps of one name; default: the name, and its ordinal where it comes again after the last has ended. */
  key?: string | undefined;
  /** How the step itself is tried again before it fails. Default: it is not; the run's retry resumes at it. */
  retry?: RetryOptions | undefined;
  /** Says that files the step writes need not outlive it. */
  files?: "disposable" | undefined;
}

export type OpenFields<K extends JournalOpen["kind"]> = Omit<
  Extract<JournalOpen, { kind: K }>,
  "type" | "kind" | "entry" | "key" | "label" | "fingerprint" | "after" | "attempt"
>;

/** A wait that the platform completes. */
export interface WaitCall<K extends JournalOpen["kind"]> {
  kind: K;
  /** What makes two calls the same: the child's task, payload and options; the token's id; the duration or date. */
  fingerprint: string;
  /** For people. */
  label: string;
  /**
   * What the entry is to say; for a child or a batch it makes the trigger, with `onceKey` as its idempotency key where the
   * user gave none. Called where the journal has no such entry yet; again after a crash between the two.
   */
  open(onceKey: string): Promise<OpenFields<K>> | OpenFields<K>;
  /** Of a batch: for `onWait` hooks. */
  runCount?: number;
}

export interface OnceCall<T> {
  label: string;
  fingerprint: string;
  perform(onceKey: string | undefined): Promise<T>;
}

/** How the code of one attempt meets its run's journal. The scope's `durable`. */
export interface DurableRun {
  /** The run repeats what it did before in this attempt: its logs and metadata have been sent. */
  readonly isReplaying: boolean;
  /** Runs `fn` once, as far as the journal tells. Errors: what `fn` throws, AMBIGUOUS_STEP, NESTED_DURABLE_CALL, … */
  step<T>(name: string, fn: () => Promise<T> | T, options?: StepOptions): Promise<T>;
  /** Resolves with the completion, also one that is not `ok`; the caller makes an error of it with `failure`. */
  wait<K extends JournalOpen["kind"]>(
    call: WaitCall<K>,
  ): Promise<{ completion: JournalCompletion; opened: OpenedWait }>;
  /**
   * Makes a fire-and-forget trigger once; `perform` gets the idempotency key to use where the user gave none, undefined where
   * the run has no journal.
   */
  once<T>(call: OnceCall<T>): Promise<T>;
  /** Marks an error as that of the entry: should it fail the attempt, the next one makes the entry anew. */
  failure<E extends object>(entry: number, error: E): E;
  /**
   * What `Date.now()` (`epoch`) and `performance.now()` (`monotonic`) answer in the function, outside of steps: `real()` on
   * the first pass, the same again on a replay. Synchronous, milliseconds.
   */
  clock(kind: "epoch" | "monotonic", real: () => number): number;
  /** Asked by what watches the process: steps whose body runs, and entries (steps, waits, triggers) that are open. */
  readonly open: { steps: number; entries: number };
}

export interface OpenedWait {
  entry: number;
  childRunId?: string | undefined;
  batchId?: string | undefined;
  dueAt?: number | undefined;
}
