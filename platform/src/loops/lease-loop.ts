import { loseExecution } from "../cluster/lost-executions.ts";
import { encodeId } from "../ids.ts";
import type { Logger } from "../logging.ts";
import type { Announcements } from "../runs/announcements.ts";
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
  const reason = await loseExecution(deps, lost, run, { code: lost.why, message: lossMessage(lost) });
  deps.logger.warn({ runId: encodeId("run", lost.runId), why: lost.why, reason }, "an execution was lost");
  deps.onLost?.(lost.why);
  deps.tellWorker(lost.executionId, "drop", lost.why);
}

function lossMessage(lost: LostExecution): string {
  return lost.why === "START_DEADLINE"
    ? "No worker came for the run in time."
    : "The worker sent no heartbeat for the length of its lease.";
}
