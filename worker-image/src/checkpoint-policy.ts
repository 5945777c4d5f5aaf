import { type Checkpoint, type CheckpointReason, wantsProcessCheckpoints } from "@gantry/sdk/contract";
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
  /** Whether this worker can store its process; undefined: it is not meant to. */
  process: ProcessAbility | undefined;
}

export type ProcessAbility =
  | { is: "able" }
  /** The answer comes soon, and the policy is asked again. */
  | { is: "untested" }
  /** `askAgainInMs`: then it may be. */
  | { is: "unable"; reason: CheckpointReason; askAgainInMs?: number };

export interface CheckpointDecision {
  mode: "hold" | "replay" | "process";
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
 *   the task wants its process stored, and
 *     the worker can                       → process: in mode process, draining or pressed at once; else hold a short wait,
 *                                            hold any for holdMs, then process. Whatever it did, and however busy it is
 *   would repeat something, or could still
 *     be resumed by something of its own   → hold, whatever the mode and however the worker is needed
 *   mode replay · draining · pressed       → replay
 *   auto, or process where it cannot be    → hold a short wait; hold any for holdMs, then replay
 */
export function decideCheckpoint(question: CheckpointQuestion): CheckpointDecision {
  const { checkpoint, process } = question;
  if (checkpoint.mode === "hold") return hold("HOLD_MODE");
  if (!process || !wantsProcessCheckpoints(checkpoint)) return decideReplay(question);
  if (process.is === "untested") return hold("HOLDING_FIRST");
  return process.is === "able" ? decideProcess(question) : decideWithout(question, process);
}

function decideProcess(question: CheckpointQuestion): CheckpointDecision {
  const { checkpoint, isDraining, isPressed, heldMs } = question;
  if (checkpoint.mode === "process") return store("PROCESS_MODE");
  if (isDraining) return store("PROCESS_DRAINING");
  if (isPressed) return store("PROCESS_PRESSED");
  if (isShort(question)) return hold("SHORT_WAIT");
  const leftMs = checkpoint.holdMs - heldMs;
  return leftMs > 0 ? hold("HOLDING_FIRST", leftMs) : store("PROCESS_LONG_WAIT");
}

/** What a process that could be stored would not be held for, in mode auto; in mode process it would not be held at all. */
const HELD_FOR_REPLAY: CheckpointReason[] = ["UNSAFE", "NOT_WATCHED", "STILL_BUSY"];

/** As if nobody had wanted it; where that holds the worker, it is because the process cannot be stored. */
function decideWithout(
  question: CheckpointQuestion,
  { reason, askAgainInMs }: Extract<ProcessAbility, { is: "unable" }>,
): CheckpointDecision {
  const decision = decideReplay(question);
  if (decision.mode !== "hold") return decision;
  const times = [decision.askAgainInMs, askAgainInMs].filter((ms) => ms !== undefined);
  const isHeldForIt = question.checkpoint.mode === "process" || HELD_FOR_REPLAY.includes(decision.reason);
  return hold(isHeldForIt ? reason : decision.reason, times.length === 0 ? undefined : Math.min(...times));
}

function decideReplay(question: CheckpointQuestion): CheckpointDecision {
  const { checkpoint, safety } = question;
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
  return checkpoint.mode !== "replay" && !isDraining && !isPressed;
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

function store(reason: CheckpointReason): CheckpointDecision {
  return { mode: "process", reason };
}
