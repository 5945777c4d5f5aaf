import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { encodeId } from "../ids.ts";
import type { Logger } from "../logging.ts";
import type { Announcements } from "../runs/announcements.ts";
import { decideLoss, REASONS } from "../runs/attempt-policy.ts";
import type { LostExecution, RunStore } from "../runs/run-store.ts";
import { ownGapMs } from "./heartbeat-loop.ts";
import type { Loop } from "./loop.ts";

export interface LeaseDeps {
  leaseTtlMs: number;
  store: RunStore;
  isLeader(): boolean;
  announcements: Announcements;
  tellWorker(executionId: string, what: "cancel" | "drop", reason?: string): void;
  onLost?(why: LostExecution["why"]): void;
  logger: Logger;
}

const EVERY_MS = 1_000;

/** Looks for executions without a live lease. While no replica receives heartbeats, none is lost. */
export function leaseLoop(deps: LeaseDeps): Loop {
  return {
    name: "leases",
    everyMs: EVERY_MS,
    leaderOnly: true,
    async tick() {
      for (const lost of await deps.store.lostExecutions(200, ownGapMs(deps.leaseTtlMs))) {
        if (!deps.isLeader()) return;
        // One that cannot be dealt with holds up no other.
        await lose(deps, lost).catch((error: unknown) => {
          deps.logger.error(
            { err: error, runId: encodeId("run", lost.runId) },
            "a lost execution could not be ended; it is tried again",
          );
        });
      }
    },
  };
}

async function lose(deps: LeaseDeps, lost: LostExecution): Promise<void> {
  const run = await deps.store.runForDecision(lost.environmentId, lost);
  if (run === undefined) return;
  const decision = decideLoss(run, DEFAULT_LIMITS.platformLosses);
  const now = new Date().toISOString();
  const attempt = {
    number: run.attempt,
    startedAt: run.attemptStartedAt?.toISOString() ?? now,
    finishedAt: now,
    outcome: "LOST" as const,
    error: { name: "WorkerLost", code: lost.why, message: lossMessage(lost) },
  };
  if (decision.then === "requeue") {
    const put = await deps.store.requeue({
      environmentId: lost.environmentId,
      runId: lost.runId,
      execution: lost,
      nextAttempt: run.attempt,
      attempt,
      computeMs: 0,
      lost: true,
      deferred: false,
    });
    if (put !== "fenced") deps.announcements.announce([put.announcement]);
  } else {
    const finished = await deps.store.finish([
      {
        environmentId: lost.environmentId,
        runId: lost.runId,
        execution: lost,
        status: decision.status,
        error: { name: "WorkerLost", code: decision.reason, message: REASONS[decision.reason] },
        attempt,
        failureHook: decision.status === "SYSTEM_FAILURE",
      },
    ]);
    deps.announcements.announce(finished.map((one) => one.announcement));
  }
  deps.logger.warn(
    { runId: encodeId("run", lost.runId), why: lost.why, reason: decision.reason },
    "an execution was lost",
  );
  deps.onLost?.(lost.why);
  deps.tellWorker(lost.executionId, "drop", lost.why);
}

function lossMessage(lost: LostExecution): string {
  return lost.why === "START_DEADLINE"
    ? "No worker came for the run in time."
    : "The worker sent no heartbeat for the length of its lease.";
}
