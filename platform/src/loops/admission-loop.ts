import type { ConnectedWorkers } from "../cluster/connected-workers.ts";
import type { Dispatch } from "../cluster/dispatch.ts";
import type { Announcements } from "../runs/announcements.ts";
import type { RunStore } from "../runs/run-store.ts";
import type { Loop } from "./loop.ts";

/** Runs admitted in one call of the store: enough to be cheap a run, few enough to keep the lock short. */
const BATCH = 100;
const ANNOUNCEMENTS = 500;
/** Calls of the store for one environment before another that was woken has its turn: some 50 ms under load. */
const ROUNDS = 5;
/** A tick is over after this in any case: what waits for a time elsewhere is seen then. */
const LONGEST_TICK_MS = 250;

export interface AdmissionDeps {
  store: RunStore;
  workers: ConnectedWorkers;
  dispatch: Dispatch;
  announcements: Announcements;
  /** Environments woken since the last tick; cleared by taking. */
  takeWoken(): number[];
  isAnyOtherWoken(environmentId: number): boolean;
  onAdmitted?(count: number): void;
}

/**
 * Lets queued runs in, environment by environment, until nothing more may start. A wake names the environments that
 * changed; once a second all that have waiting lanes are looked at. It returns when a lane that a rate limit holds is due.
 */
export function admissionLoop(deps: AdmissionDeps): Loop {
  let lastSweep = 0;
  return {
    name: "admission",
    everyMs: 1000,
    leaderOnly: false,
    // Under load every completion wakes it: a pause lets some gather, and one admission serves them all.
    minGapMs: 4,
    async tick(now) {
      const woken = new Set(deps.takeWoken());
      if (now - lastSweep >= 1000) {
        lastSweep = now;
        for (const id of await deps.store.environmentsWithTurns()) woken.add(id);
      }
      const dues = await Promise.all([...woken].map((environmentId) => admitAll(deps, environmentId)));
      const soonest = Math.min(...dues.filter((due) => due !== undefined));
      return Number.isFinite(soonest) ? soonest : undefined;
    },
  };
}

/** Until nothing more may start; an environment that is never done lets the others have their turn. */
async function admitAll(deps: AdmissionDeps, environmentId: number): Promise<number | undefined> {
  const startedAt = performance.now();
  const isOver = (rounds: number) =>
    performance.now() - startedAt > LONGEST_TICK_MS || (rounds >= ROUNDS && deps.isAnyOtherWoken(environmentId));
  for (let rounds = 0; !isOver(rounds); rounds++) {
    const announced = deps.announcements.take(environmentId, ANNOUNCEMENTS);
    let admitted: Awaited<ReturnType<RunStore["admit"]>>;
    try {
      admitted = await deps.store.admit(environmentId, BATCH, announced, deps.workers.room(environmentId));
    } catch (error) {
      deps.announcements.putBack(announced);
      throw error;
    }
    if (admitted === "busy") {
      deps.announcements.putBack(announced);
      return 20;
    }
    if (admitted.length > 0) {
      deps.onAdmitted?.(admitted.length);
      await deps.dispatch.admitted(environmentId, admitted);
    }
    if (admitted.length < BATCH && !deps.announcements.has(environmentId)) {
      const ms = await deps.store.nextTurnInMs(environmentId);
      return ms === undefined ? undefined : Math.ceil(ms);
    }
  }
  deps.announcements.wake(environmentId);
  return 0;
}
