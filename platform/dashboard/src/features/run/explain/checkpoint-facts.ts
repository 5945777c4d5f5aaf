import type { RunCheckpointItem, RunExplanation } from "@gantry/sdk";

/** What became of a waiting run's process. Without `parkedAt` no more is known yet than how it was decided, and why. */
export type CheckpointFacts = { mode: string; reason: string; because?: string | undefined } & Partial<
  Omit<RunCheckpointItem, "mode" | "reason" | "because">
>;

/** Reasons of an explanation that have their own place on the page. */
const WORKER_REASONS = new Set(["WORKER_HELD", "WORKER_LEFT", "WORKER_STORED"]);
export const isWorkerReason = (reason: string): boolean => WORKER_REASONS.has(reason);

type Explained = Pick<RunExplanation, "reasons"> | undefined;

/**
 * Of the run as it was read, and of its explanation, which is asked for more often: a process that was kept for a while and has
 * left since is first seen there.
 */
export function checkpointFacts(
  known: RunCheckpointItem | undefined,
  explanation: Explained,
): CheckpointFacts | undefined {
  const explained = explainedFacts(explanation);
  if (known === undefined || explanation === undefined) return explained ?? known;
  return explained?.mode === known.mode ? { ...known, ...explained } : explained;
}

function explainedFacts(explanation: Explained): CheckpointFacts | undefined {
  const details = explanation?.reasons.find(({ reason }) => isWorkerReason(reason))?.details as
    | { mode?: unknown; reason?: unknown; ifLost?: { because?: unknown } }
    | undefined;
  if (typeof details?.mode !== "string" || typeof details.reason !== "string") return undefined;
  const { because } = details.ifLost ?? {};
  return {
    mode: details.mode,
    reason: details.reason,
    ...(typeof because === "string" ? { because } : {}),
  };
}

/** Where somebody looks for more about a process that could not be stored. */
interface CheckpointRemedy {
  text: string;
  place?: "cluster" | "limits";
}

const REMEDIES: Record<string, CheckpointRemedy> = {
  CHECKPOINT_UNAVAILABLE: { text: "See where it works:", place: "cluster" },
  CHECKPOINT_REFUSED: {
    text: "The log names it. Close it before the wait, and the process can be stored.",
  },
  CHECKPOINT_TOO_LARGE: { text: "Let go of what is large before the wait, or raise the limit:", place: "limits" },
  CHECKPOINT_FAILED: { text: "It is tried again during the wait; the log says what went wrong." },
};

export const checkpointRemedy = (reason: string): CheckpointRemedy | undefined => REMEDIES[reason];
