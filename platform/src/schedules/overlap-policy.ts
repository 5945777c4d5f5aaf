import type { Overlap } from "@gantry/sdk/contract";
import type { PendingDue } from "./schedule.ts";

/** OVERLAP: a run of the schedule still went on. QUEUE_TAKEN: another due time waits already. SUPERSEDED: a later one took its place. */
export type SkipReason = "OVERLAP" | "QUEUE_TAKEN" | "SUPERSEDED";

export type OverlapDecision =
  | { dueAt: number; do: "start" }
  | { dueAt: number; do: "wait" }
  | { dueAt: number; do: "skip"; reason: SkipReason };

/**
 * What becomes of a schedule's pending due times, where `isRunning` says whether a run of it still goes on. Cancel is true
 * where those runs are to be canceled first. But for `allow`, no two runs of a schedule ever go on at once.
 *
 * Shape: one decision for each pending due time, in their order (oldest first).
 */
export function decideOverlap(
  overlap: Overlap,
  isRunning: boolean,
  pending: readonly PendingDue[],
): { decisions: OverlapDecision[]; cancel: boolean } {
  switch (overlap) {
    case "allow":
      return { decisions: pending.map(({ dueAt }) => ({ dueAt, do: "start" })), cancel: false };
    case "skip":
      return { decisions: pending.map(({ dueAt }, index) => place(dueAt, index, isRunning ? 0 : 1, 0)), cancel: false };
    case "queue":
      return { decisions: pending.map(({ dueAt }, index) => place(dueAt, index, isRunning ? 0 : 1, 1)), cancel: false };
    case "cancelRunning":
      return {
        decisions: pending.map(({ dueAt }, index) => {
          if (index < pending.length - 1) return { dueAt, do: "skip", reason: "SUPERSEDED" };
          return { dueAt, do: isRunning ? "wait" : "start" };
        }),
        cancel: isRunning && pending.length > 0,
      };
  }
}

/** The first `starting` start, the next `waiting` wait, the others are skipped. */
function place(dueAt: number, index: number, starting: number, waiting: number): OverlapDecision {
  if (index < starting) return { dueAt, do: "start" };
  if (index < starting + waiting) return { dueAt, do: "wait" };
  return { dueAt, do: "skip", reason: waiting > 0 ? "QUEUE_TAKEN" : "OVERLAP" };
}
