import type {
  Grant,
  JournalAppend,
  JournalCompletion,
  MetadataOperation,
  OpenWait,
  RunEvent,
  UnsafeEffect,
  WireError,
} from "@gantry/sdk/contract";
import type { TaskOutcome } from "@gantry/sdk/task";

/**
 * What runner and task process say to each other: one JSON object a line over a named socket that the task process opens,
 * and may close and open again (before its memory is frozen, say). Private to this package.
 */
export interface TaskProcessConfig {
  /** Name of the runner's socket or pipe. */
  socket: string;
  /** Tells the runner which process this is; known to the two alone. */
  key: string;
  /** Absolute path of the bundle's entry module; undefined where `begin` will tell it. */
  entry: string | undefined;
  /** Base URL of the platform's API, for the SDK inside a run. */
  apiUrl: string;
  keepAlive: boolean;
  /** Node's compile cache, where the runner gave it one that is nothing of the user's. */
  hasCompileCache: boolean;
  /** How long nothing may be alive that could resume the function before that is reported; 0 is never. */
  stalledAfterMs: number;
  /** Watches what tasks do outside of steps, so that a run that waits may leave its process. */
  watches: boolean;
}

/** The variable that carries the config; the task process removes it before user code is loaded. */
export const TASK_PROCESS_VARIABLE = "GANTRY_TASK_PROCESS";

/** An attempt, named the same on both sides. */
export interface AttemptRef {
  executionId: string;
  attempt: number;
}

export interface MetadataChange {
  operations?: MetadataOperation[];
  parentOperations?: MetadataOperation[];
  rootOperations?: MetadataOperation[];
}

/** What a process that was booted ahead of the answer to the start exchange is told then. */
export interface Begin {
  /** Absolute path of the bundle's entry module. */
  entry: string;
  /** The environment's variables. */
  variables: Record<string, string>;
}

export type ToTaskProcess =
  | ({ t: "begin" } & Begin)
  | { t: "run"; grant: Grant }
  | { t: "cancel"; executionId: string; reason?: string }
  /** The worker must go: the function may go on for `graceMs`. */
  | { t: "drain"; executionId: string; reason: string; graceMs: number }
  /** Answers `journal` of that number, or brings what others completed (without a number). In the order of `seq`. */
  | {
      t: "completions";
      executionId: string;
      n?: number;
      completions: JournalCompletion[];
      error?: { code: string; message: string };
    }
  | { t: "ping"; n: number }
  /**
   * Its memory is about to be stored: it sends what waits, closes the socket, and connects again when the file `until` exists.
   * The file appears at once where it is not stored after all, else beside the runner that has brought it back.
   */
  | { t: "quiesce"; until: string }
  /**
   * First on the connection after a `quiesce` whose process was brought back: the attempt goes on, under this name and with this
   * token. The file `until` says the same.
   */
  | { t: "goOn"; from: AttemptRef; executionId: string; runToken: string }
  /** The outcome has arrived and this process is not kept alive: it may end. */
  | { t: "exit" };

export type FromTaskProcess =
  /** First on every connection. `holds` is the attempt that it works on, after a reconnect. */
  | { t: "hello"; key: string; holds?: AttemptRef }
  | { t: "ready" }
  | { t: "bootFailed"; error: WireError }
  | { t: "running"; at: number }
  | { t: "events"; events: RunEvent[] }
  | ({ t: "metadata" } & MetadataChange)
  /** Sent again, with the same number, after a reconnect without an answer. */
  | { t: "journal"; n: number; known: number; entries: JournalAppend[] }
  /** It has been quiet with nothing but waits open. Said again when something about it changes. */
  | { t: "waiting"; known: number; waits: OpenWait[]; safety: Safety }
  /** It goes on after all. */
  | { t: "busy" }
  | OutcomeMessage
  /** Sent from the process's own `exit` event while an attempt runs: user code called process.exit. */
  | { t: "exiting"; code: number; stack: string }
  | { t: "pong"; n: number };

/** Whether the process may end and the function be run again over its journal. */
export interface Safety {
  /** False where the process does not watch what the task does. */
  isWatched: boolean;
  /** What a replay would repeat, the first of each kind; empty: nothing. */
  unsafe: UnsafeEffect[];
  /** A timer, a connection or other work of the task's own could still resume it. */
  isBusy: boolean;
}

export interface OutcomeMessage extends AttemptRef {
  t: "outcome";
  outcome: TaskOutcome;
  cpuMs: number;
  maxRssBytes: number;
  /** Sizes of the output files when the attempt ended: what was written up to there is the attempt's. */
  stdoutBytes: number;
  stderrBytes: number;
  /** True where the process is to end after this. */
  exits: boolean;
}
