/** What is decided by a task's `checkpoint`, and with which reason. No schema is here: the runner loads no schema library. */
import type { Checkpoint } from "./checkpoint.ts";

export const DEFAULT_CHECKPOINT: Readonly<Checkpoint> = {
  mode: "auto",
  process: false,
  holdMs: 5_000,
  strict: false,
  unchecked: false,
  onHoldLost: "fail",
};

/** Whether runs of this task want workers whose process can be stored. */
export function wantsProcessCheckpoints({ mode, process }: Pick<Checkpoint, "mode" | "process">): boolean {
  return mode === "process" || (mode === "auto" && process);
}

/** Something that a replay would do again: it happened outside of steps. */
export interface UnsafeEffect {
  /** `bytes sent`, `a child process`, `randomness` …: for people. */
  what: string;
  /** `welcome.ts:14`, where it is known. */
  line?: string;
  /** The call at that line, `emails.send`, where it is known. */
  call?: string;
}

/** Why a waiting run's worker stays or leaves; shown on the run's trace as it is. */
export const CHECKPOINT_REASONS = {
  HOLD_MODE: "The task's checkpoint mode is hold.",
  SHORT_WAIT: "The wait is shorter than holdMs.",
  HOLDING_FIRST: "The worker is kept for holdMs before it leaves.",
  UNSAFE: "A replay would repeat what the task did outside of steps.",
  STILL_BUSY: "A timer or a connection of the task's own could still resume it.",
  NOT_WATCHED: "The process could not see what the task did, so a replay might repeat it.",
  REPLAY_MODE: "The task's checkpoint mode is replay, and nothing would be repeated.",
  REPLAY_UNCHECKED: "The task's checkpoint mode is replay, unchecked.",
  LONG_WAIT: "The wait is longer than holdMs, and a replay repeats nothing.",
  DRAINING: "The worker must go, and a replay repeats nothing.",
  PRESSED: "Others wait for a place, and a replay repeats nothing.",
  PROCESS_MODE: "The task's checkpoint mode is process.",
  PROCESS_LONG_WAIT: "The wait is longer than holdMs: the process is stored.",
  PROCESS_DRAINING: "The worker must go: the process is stored.",
  PROCESS_PRESSED: "Others wait for a place: the process is stored.",
  CHECKPOINT_UNAVAILABLE: "This worker cannot store its process.",
  CHECKPOINT_REFUSED: "The process has something that a checkpoint would not bring along.",
  CHECKPOINT_TOO_LARGE: "The process is larger than a checkpoint may be.",
  CHECKPOINT_FAILED: "The process could not be stored.",
} as const;
export type CheckpointReason = keyof typeof CHECKPOINT_REASONS;
