import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import type { Announcements } from "../runs/announcements.ts";
import { type AttemptReason, decideLoss, lossError } from "../runs/attempt-policy.ts";
import type { ExecutionRef, RunForDecision, RunStore } from "../runs/run-store.ts";

export interface LossDeps {
  store: Pick<RunStore, "requeue" | "finish" | "suspendLost">;
  announcements: Pick<Announcements, "announce">;
}

/** What was seen of the loss. */
export interface Loss {
  code: string;
  message: string;
  /** Before it is queued again. */
  delayMs?: number;
  /** No worker could be had: noted on the run. */
  isStartFailure?: boolean;
}

/** Ends an execution that was lost; what becomes of its run is decided by policy. Harmless where it has ended meanwhile. */
export async function loseExecution(
  { store, announcements }: LossDeps,
  execution: ExecutionRef,
  run: RunForDecision,
  loss: Loss,
): Promise<AttemptReason> {
  const decision = decideLoss(run, DEFAULT_LIMITS.platformLosses);
  const { environmentId, runId } = run;
  const at = { environmentId, runId, execution };
  switch (decision.then) {
    case "suspend": {
      const suspended = await store.suspendLost({ ...at.execution, environmentId, runId });
      if (suspended !== "fenced") announcements.announce([suspended]);
      break;
    }
    case "requeue": {
      const put = await store.requeue({
        ...at,
        delayMs: loss.delayMs,
        nextAttempt: run.attempt,
        attempt: lostAttempt(run, loss),
        computeMs: 0,
        lost: true,
        deferred: false,
        ...(loss.isStartFailure ? { startFailure: { code: loss.code, message: loss.message } } : {}),
      });
      if (put !== "fenced") announcements.announce([put.announcement]);
      break;
    }
    case "finish": {
      const { status, reason } = decision;
      const error = lossError(reason, run.held);
      const finished = await store.finish([
        {
          ...at,
          mayBeHeld: run.held !== undefined,
          status,
          ...(status === "CANCELED" ? {} : { error: { ...error, message: `${error.message} ${loss.message}` } }),
          attempt: lostAttempt(run, loss),
          failureHook: status === "SYSTEM_FAILURE",
        },
      ]);
      announcements.announce(finished.map((one) => one.announcement));
    }
  }
  return decision.reason;
}

export function lostAttempt(run: RunForDecision, { code, message }: Pick<Loss, "code" | "message">) {
  const now = new Date().toISOString();
  return {
    number: run.attempt,
    startedAt: run.attemptStartedAt?.toISOString() ?? now,
    finishedAt: now,
    outcome: "LOST" as const,
    error: { name: "WorkerLost", code, message },
  };
}
