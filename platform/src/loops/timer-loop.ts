import type { Announcements } from "../runs/announcements.ts";
import type { DueTimer, FinishRequest, RunStore } from "../runs/run-store.ts";
import type { Loop } from "./loop.ts";

const BATCH = 500;

export interface TimerDeps {
  store: RunStore;
  announcements: Announcements;
  tellWorker(executionId: string, what: "cancel" | "drop", reason?: string): void;
}

/** What is due: delayed runs are queued, runs past their ttl or without a version expire, canceled ones are forced. */
export function timerLoop(deps: TimerDeps): Loop {
  return {
    name: "timers",
    everyMs: 1000,
    leaderOnly: false,
    async tick() {
      const enqueued = await deps.store.enqueueDue(BATCH);
      deps.announcements.announce(enqueued);
      const due = await deps.store.dueTimers(BATCH);
      if (due.length > 0) await carryOut(deps, due);
      if (enqueued.length === BATCH || due.length === BATCH) return 0;
      return deps.store.nextTimerInMs();
    },
  };
}

async function carryOut(deps: TimerDeps, due: DueTimer[]): Promise<void> {
  const requests: FinishRequest[] = [];
  for (const timer of due) {
    if (timer.kind === "forceCancel") await forceCancel(deps, timer);
    else requests.push(expiry(timer));
  }
  const finished = await deps.store.finish(requests);
  deps.announcements.announce(finished.map((run) => run.announcement));
  await deps.store.deleteTimers(due);
}

function expiry(timer: DueTimer): FinishRequest {
  const error =
    timer.kind === "ttl"
      ? { name: "Expired", code: "TTL_EXPIRED", message: "The run's ttl passed before it could start." }
      : {
          name: "Expired",
          code: "VERSION_NOT_DEPLOYED",
          message: "The version that the run needs was not deployed in time.",
        };
  return {
    environmentId: timer.environmentId,
    runId: timer.runId,
    execution: undefined,
    onlyUnstarted: true,
    onlyPending: timer.kind === "pendingVersion",
    status: "EXPIRED",
    error,
    failureHook: true,
  };
}

/** Whatever the run does now: on a worker that did not end it in time, or put back before the worker was told. */
async function forceCancel(deps: TimerDeps, { environmentId, runId }: DueTimer): Promise<void> {
  // A run may be admitted between the look and the write.
  for (let tries = 0; tries < 3; tries++) {
    const execution = await deps.store.liveExecution(environmentId, runId);
    const finished = await deps.store.finish([
      { environmentId, runId, execution, mayBeHeld: true, status: "CANCELED" },
    ]);
    if (execution !== undefined) deps.tellWorker(execution.executionId, "drop", "canceled");
    deps.announcements.announce(finished.map((run) => run.announcement));
    if (finished.length > 0 || (await deps.store.liveExecution(environmentId, runId)) === undefined) return;
  }
}
