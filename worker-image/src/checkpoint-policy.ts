import type { Checkpoint, CheckpointReason } from "@gantry/sdk/contract";
import type { Safety } from "./process-messages.ts";

export interface CheckpointQuestion {
  checkpoint: Checkpoint;
  safety: Safety;
  /** How long the run has waited, in milliseconds. */
  heldMs: number;
  /** Until the first of its waits ends whose end is known; negative where that is overdue; undefined: none is known. */
  endsInMs: number | undefined;
  /** The worker must go. */
  isDraining: boolean;
  /** Others wait for the place of a worker that is held. */
  isPressed: boolean;
}

export interface CheckpointDecision {
  mode: "hold" | "replay";
  reason: CheckpointReason;
  /** Milliseconds; absent: nothing changes by time alone. */
  askAgainInMs?: number;
}

/** While something is under way the process says when it has ended; this is for a process that could not. */
const BUSY_ASK_AGAIN_MS = 10_000;

/**
 * What becomes of a worker whose run waits.
 *
 *   mode hold                              → hold
 *   would repeat something, or could still
 *     be resumed by something of its own   → hold, whatever the mode and however the worker is needed
 *   mode replay · draining · pressed       → replay
 *   auto                                   → hold a short wait; hold any for holdMs, then replay
 */
export function decideCheckpoint(question: CheckpointQuestion): CheckpointDecision {
  const { checkpoint, safety } = question;
  if (checkpoint.mode === "hold") return hold("HOLD_MODE");
  const repeats = whyNotRepeatable(safety);
  const mayLeave = (repeats === undefined || checkpoint.unchecked) && !safety.isBusy;
  const needed = mayLeave ? whyAtOnce(question, repeats !== undefined) : undefined;
  if (needed) return replay(needed);
  const mayTakeTime = hasTime(question);
  if (mayTakeTime && isShort(question)) return hold("SHORT_WAIT");
  if (repeats !== undefined && !checkpoint.unchecked) return hold(repeats);
  const leftMs = checkpoint.holdMs - question.heldMs;
  if (mayTakeTime && leftMs > 0) return hold("HOLDING_FIRST", leftMs);
  if (safety.isBusy) return hold("STILL_BUSY", BUSY_ASK_AGAIN_MS);
  return replay(repeats === undefined ? "LONG_WAIT" : "REPLAY_UNCHECKED");
}

function whyAtOnce(question: CheckpointQuestion, repeats: boolean): CheckpointReason | undefined {
  if (question.checkpoint.mode === "replay") return repeats ? "REPLAY_UNCHECKED" : "REPLAY_MODE";
  if (question.isDraining) return "DRAINING";
  return question.isPressed ? "PRESSED" : undefined;
}

function hasTime({ checkpoint, isDraining, isPressed }: CheckpointQuestion): boolean {
  return checkpoint.mode === "auto" && !isDraining && !isPressed;
}

/** One of its waits ends within holdMs of their beginning, or should have. */
function isShort({ checkpoint, heldMs, endsInMs }: CheckpointQuestion): boolean {
  return endsInMs !== undefined && heldMs + endsInMs <= checkpoint.holdMs;
}

/** What the platform is to do with a worker that is lost while it is held. */
export function decideIfLost(
  { unchecked, onHoldLost }: Checkpoint,
  safety: Safety,
): { then: "replay" | "restart" | "fail"; because?: string } {
  const reason = whyNotRepeatable(safety);
  if (reason === undefined || unchecked) return { then: "replay" };
  return { then: onHoldLost, because: becauseOf(safety).slice(0, 500) };
}

function whyNotRepeatable({ isWatched, unsafe }: Safety): "UNSAFE" | "NOT_WATCHED" | undefined {
  if (!isWatched) return "NOT_WATCHED";
  return unsafe.length > 0 ? "UNSAFE" : undefined;
}

function becauseOf({ unsafe }: Safety): string {
  const [first] = unsafe;
  if (!first) return "its process did not watch what the task does";
  const at = [first.call, first.line && (first.call ? `(${first.line})` : `at ${first.line}`)]
    .filter(Boolean)
    .join(" ");
  return at === "" ? first.what : `${first.what}${first.call ? " by" : ""} ${at}`;
}

function hold(reason: CheckpointReason, askAgainInMs?: number): CheckpointDecision {
  return { mode: "hold", reason, ...(askAgainInMs === undefined ? {} : { askAgainInMs }) };
}

function replay(reason: CheckpointReason): CheckpointDecision {
  return { mode: "replay", reason };
}
