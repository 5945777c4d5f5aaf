import {
  type AttemptOutcome,
  DEFAULT_RETRY,
  RETRY_IN_PLACE_MS,
  type RetryOptions,
  retryDelayMs,
  type WireError,
} from "@gantry/sdk/contract";
import type { AttemptRecord, FinalRunStatus } from "./run.ts";
import type { HeldLoss, RunForDecision } from "./run-store.ts";

/** What an ended attempt leads to. `reason` is one of REASONS and appears in logs, API and CLI as it is. */
export type AttemptDecision =
  | { then: "finish"; status: FinalRunStatus; reason: AttemptReason; error?: WireError; hook: boolean }
  | {
      then: "retry";
      reason: AttemptReason;
      /** Milliseconds to wait. */
      delayMs: number;
      /** The worker keeps the run; else it goes back to its queue, or is DELAYED. */
      inPlace: boolean;
      nextAttempt: number;
      deferred: boolean;
      machine?: string;
    }
  | {
      then: "giveBack";
      reason: AttemptReason;
      /** Its stored process is given up: the run does without. */
      dropsCheckpoint?: boolean;
    }
  /** It waits on without a worker. */
  | { then: "suspend"; reason: AttemptReason };

export const REASONS = {
  SUCCEEDED: "The task returned.",
  CANCEL_REQUESTED: "Somebody canceled the run.",
  MAX_DURATION: "The run used more compute time than its maxDuration.",
  NOT_RETRYABLE: "The task said that this error is final.",
  ATTEMPTS_EXHAUSTED: "All attempts of the retry policy were used.",
  RETRY_POLICY: "The retry policy allows another attempt.",
  RETRY_AFTER: "The error says when to try again.",
  DEFERRED: "The run put itself off; no attempt is spent.",
  TOO_MANY_DEFERRALS: "The run put itself off more often than is allowed.",
  OUT_OF_MEMORY: "The process used more memory than its machine preset has.",
  OUT_OF_MEMORY_LARGER_MACHINE: "Out of memory: tried again on the larger machine the task names.",
  WORKER_GAVE_BACK: "The worker gave the run back.",
  LOST: "The worker was lost.",
  LOST_TOO_OFTEN: "Workers were lost more often than is allowed.",
  HOLD_LOST: "The worker that was kept while the run waited was lost, and a replay would repeat what the task did.",
  HOLD_LOST_RESTARTED: "The worker that was kept while the run waited was lost: started anew, as the task says.",
  HOLD_LOST_REPLAYED: "The worker that was kept while the run waited was lost: the run waits on, and will be replayed.",
  RESTORE_ELSEWHERE: "The stored process was not brought back there: another worker tries it.",
  RESTORE_REPLAYED: "The stored process could not be brought back: the run is replayed.",
  RESTORE_RESTARTED: "The stored process could not be brought back: started anew, as the task says.",
  RESTORE_FAILED: "The stored process could not be brought back, and a replay would repeat what the task did.",
} as const;
export type AttemptReason = keyof typeof REASONS;

export interface AttemptFacts {
  run: Pick<
    RunForDecision,
    "attempt" | "maxAttempts" | "deferrals" | "machine" | "cancelRequestedAt" | "platformLosses"
  > & { held?: RunForDecision["held"]; stored?: RunForDecision["stored"] };
  outcome: AttemptOutcome;
  /** How often its stored process could not be brought back, this time included. */
  restoreFailures?: number | undefined;
  /** The task's declared policy over the project's. */
  retry: RetryOptions | undefined;
  /** In [0, 1). */
  random: number;
  /** Losses by the platform's fault that a run may have. */
  lossCap: number;
}

export const MAX_DEFERRALS = 1000;
/** Workers that may fail to bring back a stored process. */
export const MAX_RESTORES = 3;
/** No error puts a run off for longer than a year: what asks for more is a mistake. */
const MAX_RETRY_DELAY_MS = 365 * 86_400_000;
/** An attempt remembers this much of its error; the run's own keeps all. */
const REMEMBERED_CHARACTERS = 4_000;

/** Decides what follows from the end of an attempt. Pure. */
export function decideAttempt(facts: AttemptFacts): AttemptDecision {
  const { run, outcome } = facts;
  if (outcome.kind === "completed") return { then: "finish", status: "COMPLETED", reason: "SUCCEEDED", hook: false };
  if (run.cancelRequestedAt !== undefined || outcome.kind === "canceled") {
    return { then: "finish", status: "CANCELED", reason: "CANCEL_REQUESTED", hook: false };
  }
  // It failed before its process could go on: nothing of the task's has run in between.
  if (run.stored !== undefined && (outcome.kind === "notRestored" || outcome.kind === "crashed")) {
    return decideRestore(facts, run.stored, outcome);
  }
  // However the process of a run that waits has ended: what it held in memory is lost.
  if (run.held !== undefined && (outcome.kind === "returned" || outcome.kind === "crashed")) {
    return afterLoss(decideLoss(run, facts.lossCap), run.held);
  }
  switch (outcome.kind) {
    case "returned":
      if (run.platformLosses >= facts.lossCap) {
        const error = { name: "WorkerLost", code: "LOST_TOO_OFTEN", message: REASONS.LOST_TOO_OFTEN };
        return { then: "finish", status: "SYSTEM_FAILURE", reason: "LOST_TOO_OFTEN", error, hook: true };
      }
      return { then: "giveBack", reason: "WORKER_GAVE_BACK" };
    case "timedOut":
      return { then: "finish", status: "TIMED_OUT", reason: "MAX_DURATION", error: outcome.error, hook: true };
    case "crashed":
      return decideCrash(facts, outcome);
    case "notRestored":
      // The platform had said that it may go on: what it held in memory is lost.
      return decideCrash(facts, { kind: "crashed", reason: "EXIT", error: restoreError("RESTORE_FAILED", outcome) });
    case "failed":
      return decideFailure(facts, outcome);
  }
}

function decideFailure(facts: AttemptFacts, outcome: Extract<AttemptOutcome, { kind: "failed" }>): AttemptDecision {
  const { run } = facts;
  // The task's own onFailure has run in its process.
  const fail = (reason: AttemptReason, hook = false): AttemptDecision => ({
    then: "finish",
    status: "FAILED",
    reason,
    error: outcome.error,
    hook,
  });
  switch (outcome.retry.by) {
    case "never":
      return fail("NOT_RETRYABLE");
    case "defer":
      // The process put the run off and ran no onFailure.
      if (run.deferrals >= MAX_DEFERRALS) return fail("TOO_MANY_DEFERRALS", true);
      return retry("DEFERRED", outcome.retry.delayMs, run.attempt, true);
    case "after":
      if (run.attempt >= run.maxAttempts) return fail("ATTEMPTS_EXHAUSTED");
      return retry("RETRY_AFTER", outcome.retry.delayMs, run.attempt + 1, false);
    case "policy": {
      if (run.attempt >= run.maxAttempts) return fail("ATTEMPTS_EXHAUSTED");
      const policy = { ...DEFAULT_RETRY, ...facts.retry, ...numbersOf(outcome.retry.options) };
      return retry("RETRY_POLICY", retryDelayMs(policy, run.attempt, facts.random), run.attempt + 1, false);
    }
  }
}

function decideCrash(facts: AttemptFacts, outcome: Extract<AttemptOutcome, { kind: "crashed" }>): AttemptDecision {
  const { run } = facts;
  const crash = (reason: AttemptReason): AttemptDecision => ({
    then: "finish",
    status: "CRASHED",
    reason,
    error: outcome.error,
    hook: true,
  });
  if (outcome.reason === "OUT_OF_MEMORY") {
    const larger = facts.retry?.outOfMemory?.machine;
    if (larger === undefined || larger === run.machine || run.attempt >= run.maxAttempts) return crash("OUT_OF_MEMORY");
    return {
      then: "retry",
      reason: "OUT_OF_MEMORY_LARGER_MACHINE",
      delayMs: 0,
      inPlace: false,
      nextAttempt: run.attempt + 1,
      deferred: false,
      machine: larger,
    };
  }
  if (run.attempt >= run.maxAttempts) return crash("ATTEMPTS_EXHAUSTED");
  const delayMs = retryDelayMs({ ...DEFAULT_RETRY, ...facts.retry }, run.attempt, facts.random);
  return retry("RETRY_POLICY", delayMs, run.attempt + 1, false);
}

type NotRestored = Extract<AttemptOutcome, { kind: "notRestored" | "crashed" }>;

/** Elsewhere a few times; then as the task's worker has said when the process was stored. */
function decideRestore(facts: AttemptFacts, stored: HeldLoss, outcome: NotRestored): AttemptDecision {
  const fail = (reason: "LOST_TOO_OFTEN" | "RESTORE_FAILED"): AttemptDecision => {
    const error = restoreError(reason, outcome, reason === "RESTORE_FAILED" ? stored.because : undefined);
    return { then: "finish", status: "SYSTEM_FAILURE", reason, error, hook: true };
  };
  if (facts.run.platformLosses >= facts.lossCap) return fail("LOST_TOO_OFTEN");
  if ((facts.restoreFailures ?? 1) < MAX_RESTORES) return { then: "giveBack", reason: "RESTORE_ELSEWHERE" };
  switch (stored.then) {
    case "replay":
      return { then: "giveBack", reason: "RESTORE_REPLAYED", dropsCheckpoint: true };
    case "restart":
      return { then: "giveBack", reason: "RESTORE_RESTARTED", dropsCheckpoint: true };
    case "fail":
      return fail("RESTORE_FAILED");
  }
}

/** Names where it was tried last, why it failed there, and the line that forbids a replay. */
function restoreError(reason: AttemptReason, outcome: NotRestored, because?: string): WireError {
  const { why, node } = whyNotRestored(outcome);
  const where = node === undefined ? "" : ` on node ${node}`;
  const line = because === undefined ? "" : ` What forbids a replay: ${because}.`;
  return {
    name: "ProcessNotRestored",
    code: reason,
    message: `${REASONS[reason]} The last try${where}: ${why.replace(/\.$/, "")}.${line}`,
  };
}

/** What a worker says of a process that it could not bring back; or how it ended itself. */
function whyNotRestored(outcome: NotRestored): { why: string; node: string | undefined } {
  if (outcome.kind === "crashed") return { why: outcome.error.message, node: undefined };
  return { why: outcome.reason, node: outcome.node };
}

function retry(reason: AttemptReason, delayMs: number, nextAttempt: number, deferred: boolean): AttemptDecision {
  const wait = Math.min(Math.max(0, Math.round(delayMs)), MAX_RETRY_DELAY_MS);
  return { then: "retry", reason, delayMs: wait, inPlace: wait < RETRY_IN_PLACE_MS, nextAttempt, deferred };
}

/** What a catchError hook returned: user code, so that only what is a number counts. */
function numbersOf(options: Record<string, unknown> | undefined): RetryOptions {
  const { factor, minTimeoutInMs, maxTimeoutInMs, randomize } = options ?? {};
  const given = Object.entries({ factor, minTimeoutInMs, maxTimeoutInMs }).filter(([, value]) =>
    Number.isFinite(value),
  );
  return { ...Object.fromEntries(given), ...(typeof randomize === "boolean" ? { randomize } : {}) };
}

export type LossDecision =
  | { then: "requeue"; reason: AttemptReason }
  | { then: "suspend"; reason: AttemptReason }
  | { then: "finish"; status: FinalRunStatus; reason: AttemptReason };

/**
 * What becomes of a run whose execution was lost by the platform's fault: user attempts are not spent, but there is a cap.
 * Of one that only waited, its worker has said what may be done.
 */
export function decideLoss(
  run: Pick<RunForDecision, "platformLosses" | "cancelRequestedAt"> & {
    held?: RunForDecision["held"];
    stored?: RunForDecision["stored"];
  },
  cap: number,
): LossDecision {
  if (run.cancelRequestedAt !== undefined) return { then: "finish", status: "CANCELED", reason: "CANCEL_REQUESTED" };
  if (run.held?.then === "fail") return { then: "finish", status: "SYSTEM_FAILURE", reason: "HOLD_LOST" };
  if (run.platformLosses >= cap) return { then: "finish", status: "SYSTEM_FAILURE", reason: "LOST_TOO_OFTEN" };
  if (run.held?.then === "replay" && !run.held.hasSlot) return { then: "suspend", reason: "HOLD_LOST_REPLAYED" };
  if (run.held?.then === "restart") return { then: "requeue", reason: "HOLD_LOST_RESTARTED" };
  if (run.stored !== undefined) return { then: "requeue", reason: "RESTORE_ELSEWHERE" };
  return { then: "requeue", reason: "LOST" };
}

/** The error of a run that ends because its execution was lost; names the line where one forbids a replay. */
export function lossError(reason: AttemptReason, held: RunForDecision["held"]): WireError {
  const because = reason === "HOLD_LOST" && held?.because !== undefined ? ` ${held.because}` : "";
  return { name: "WorkerLost", code: reason, message: `${REASONS[reason]}${because}` };
}

function afterLoss(loss: LossDecision, held: RunForDecision["held"]): AttemptDecision {
  if (loss.then === "suspend") return loss;
  if (loss.then === "requeue") return { then: "giveBack", reason: loss.reason };
  const error = loss.status === "CANCELED" ? {} : { error: lossError(loss.reason, held) };
  return { ...loss, ...error, hook: loss.status === "SYSTEM_FAILURE" };
}

/** How the attempt is remembered on the run. */
export function attemptRecord(
  number: number,
  outcome: AttemptOutcome,
  startedAt: number,
  finishedAt: number,
  decision: AttemptDecision,
): AttemptRecord {
  const names = {
    completed: "COMPLETED",
    failed: "FAILED",
    crashed: "CRASHED",
    timedOut: "TIMED_OUT",
    canceled: "CANCELED",
    returned: "LOST",
    notRestored: "LOST",
  } as const;
  const deferred = decision.then === "retry" && decision.deferred;
  return {
    number,
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(finishedAt).toISOString(),
    outcome: deferred ? "DEFERRED" : names[outcome.kind],
    ...errorOf(outcome, decision),
    ...(decision.then === "retry" ? { retryDelayMs: decision.delayMs } : {}),
  };
}

function errorOf(outcome: AttemptOutcome, decision: AttemptDecision): { error?: WireError } {
  if (outcome.kind === "notRestored") return { error: brief(restoreError(decision.reason, outcome)) };
  return "error" in outcome ? { error: brief(outcome.error) } : {};
}

function brief({ name, message, stack, code }: WireError): WireError {
  const cut = (text: string) => text.slice(0, REMEMBERED_CHARACTERS).toWellFormed();
  return {
    name: cut(name),
    message: cut(message),
    ...(stack === undefined ? {} : { stack: cut(stack) }),
    ...(code === undefined ? {} : { code }),
  };
}
