import { CHECKPOINT_REASONS } from "@gantry/sdk/contract";
import type { Explanation } from "../runs/run.ts";
import type { ExplainedWait, ExplainFacts } from "../runs/run-store.ts";

/** Why a run does not execute, each a constant that logs, API, CLI and dashboard show as it is. */
export const ADMISSION_REASONS = {
  DELAYED: "The run is not due yet.",
  PENDING_VERSION: "The version that the run needs is not deployed.",
  ENVIRONMENT_PAUSED: "The environment is paused.",
  QUEUE_PAUSED: "The queue is paused.",
  ENVIRONMENT_LIMIT: "The environment executes as many runs as it may.",
  QUEUE_LIMIT: "The queue executes as many runs as it may.",
  CONCURRENCY_KEY_LIMIT: "As many runs with this concurrency key execute as the queue allows for each key.",
  COMBINED_LIMIT: "The queue executes as many runs, over all concurrency keys, as it may.",
  RATE_LIMIT: "The queue has started as many runs in this period as it may.",
  HELD_LIMIT: "As many workers as may be are kept for runs that wait; new runs with no parent wait until one is free.",
  AHEAD_IN_QUEUE: "Other runs are ahead.",
  NEXT: "Nothing holds the run: it starts with the next admission.",
  WORKER_STARTING: "Admitted: a worker is starting.",
  EXECUTING: "The run is executing.",
  CANCEL_REQUESTED: "The run is being canceled.",
  WAITING: "The run waits for something that has not happened yet.",
  WORKER_HELD: "The run's worker is kept while it waits.",
  WORKER_LEFT: "The run has no worker while it waits; it goes on where it was by its journal.",
  WORKER_STORED: "The run's process is stored while it waits, and goes on at its next line.",
  ENDED: "The run has ended.",
} as const;
export type AdmissionReason = keyof typeof ADMISSION_REASONS;

type Reason = Explanation["reasons"][number];

/**
 * All that holds a run back now, the first to be lifted first. Why the cluster has no worker for it comes before the rest,
 * under the code and in the words of whoever saw it. Pure.
 */
export function explainAdmission(facts: ExplainFacts): Reason[] {
  const held = facts.hold === undefined ? [] : [{ reason: facts.hold.code, message: facts.hold.message }];
  return [...held, ...explainStatus(facts)];
}

function explainStatus(facts: ExplainFacts): Reason[] {
  switch (facts.status) {
    case "DELAYED":
      return [
        reason("DELAYED", `due at ${facts.delayUntil?.toISOString() ?? "an unknown time"}`, {
          delayUntil: facts.delayUntil,
        }),
      ];
    case "PENDING_VERSION":
      return [
        reason(
          "PENDING_VERSION",
          facts.requestedVersion === undefined ? "no version is deployed" : `version ${facts.requestedVersion}`,
        ),
      ];
    case "DEQUEUED":
      return cancelOr(facts, reason("WORKER_STARTING"));
    case "EXECUTING":
      return cancelOr(
        facts,
        reason("EXECUTING", facts.workerId === undefined ? undefined : `on worker ${facts.workerId}`),
      );
    case "WAITING":
      return facts.cancelRequested ? [reason("CANCEL_REQUESTED")] : explainWaiting(facts);
    case "QUEUED":
      return explainQueued(facts);
    case "COMPLETED":
    case "FAILED":
    case "CANCELED":
    case "CRASHED":
    case "SYSTEM_FAILURE":
    case "EXPIRED":
    case "TIMED_OUT":
      return [reason("ENDED", facts.status)];
  }
}

function cancelOr(facts: ExplainFacts, otherwise: Reason): Reason[] {
  return facts.cancelRequested ? [reason("CANCEL_REQUESTED")] : [otherwise];
}

const WORKER_REASONS = { hold: "WORKER_HELD", replay: "WORKER_LEFT", process: "WORKER_STORED" } as const;

/** What would end the wait, the next to be due first; then what became of the worker, and why. */
function explainWaiting({ waits, checkpoint }: ExplainFacts): Reason[] {
  const said = waits.slice(0, 3).map(wait);
  if (waits.length > said.length) said.push(`${waits.length - said.length} more`);
  const waiting = reason(
    "WAITING",
    said.length === 0 ? undefined : said.join("; "),
    said.length === 0 ? undefined : { waits },
  );
  if (checkpoint === undefined) return [waiting];
  const { mode, reason: why, ifLost } = checkpoint;
  const because = mode === "hold" && ifLost?.because !== undefined ? ` ${ifLost.because}` : "";
  return [
    waiting,
    reason(WORKER_REASONS[mode], `${why}: ${CHECKPOINT_REASONS[why]}${because}`, {
      mode,
      reason: why,
      ...(ifLost === undefined ? {} : { ifLost }),
    }),
  ];
}

function wait({ kind, label, dueAt }: ExplainedWait): string {
  const what = label === "" || label === kind ? kind : `${kind} ${label}`;
  return dueAt === undefined ? what : `${what}, due at ${dueAt.toISOString()}`;
}

function explainQueued(facts: ExplainFacts): Reason[] {
  const reasons: Reason[] = [];
  const counted = (running: number, limit: number) => `${running} of ${limit}`;
  if (facts.environmentPaused) reasons.push(reason("ENVIRONMENT_PAUSED"));
  if (facts.queuePaused) reasons.push(reason("QUEUE_PAUSED", facts.queueName));
  if (facts.environmentRunning >= facts.environmentLimit) {
    reasons.push(reason("ENVIRONMENT_LIMIT", counted(facts.environmentRunning, facts.environmentLimit)));
  }
  if (facts.laneLimit !== undefined && facts.laneRunning >= facts.laneLimit) {
    const code = facts.concurrencyKey === undefined ? "QUEUE_LIMIT" : "CONCURRENCY_KEY_LIMIT";
    const where =
      facts.concurrencyKey === undefined ? facts.queueName : `${facts.queueName}, key ${facts.concurrencyKey}`;
    reasons.push(reason(code, `${counted(facts.laneRunning, facts.laneLimit)} in ${where}`));
  }
  if (facts.combinedLimit !== undefined && facts.queueRunning >= facts.combinedLimit) {
    reasons.push(reason("COMBINED_LIMIT", `${counted(facts.queueRunning, facts.combinedLimit)} in ${facts.queueName}`));
  }
  if (facts.rateLimit !== undefined && (facts.rateLeft ?? 1) <= 0) {
    reasons.push(
      reason(
        "RATE_LIMIT",
        `${facts.rateLimit.limit} per ${facts.rateLimit.periodMs} ms; next at ${facts.rateDueAt?.toISOString()}`,
        {
          nextAt: facts.rateDueAt,
        },
      ),
    );
  }
  if (facts.heldLimit !== undefined)
    reasons.push(reason("HELD_LIMIT", counted(facts.heldLimit.held, facts.heldLimit.limit)));
  if ((facts.position ?? 0) > 0)
    reasons.push(reason("AHEAD_IN_QUEUE", `${facts.position} ahead in ${facts.queueName}`));
  return reasons.length > 0 ? reasons : [reason("NEXT")];
}

function reason(code: AdmissionReason, detail?: string, details?: Record<string, unknown>): Reason {
  const message = detail === undefined ? ADMISSION_REASONS[code] : `${ADMISSION_REASONS[code]} (${detail})`;
  return details === undefined ? { reason: code, message } : { reason: code, message, details };
}
