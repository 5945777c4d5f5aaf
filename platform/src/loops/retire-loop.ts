import type { Executor } from "../cluster/executor.ts";
import type { Loop } from "./loop.ts";

export interface RetireDeps {
  /** Versions that have workers, or were given some by this platform. */
  candidates(): Iterable<string>;
  isIdle(deploymentId: string): Promise<boolean>;
  /** Its workers were told to end. */
  retired(deploymentId: string): void;
  executor: Executor;
}

const FIRST_LOOK_MS = 5_000;
const LAST_LOOK_MS = 60_000;

/**
 * Tells the executor which versions are neither current nor needed by a live run: their workers may end. Looking may mean
 * reading a long backlog, so that a version still needed is looked at less and less often.
 */
export function retireLoop(deps: RetireDeps): Loop {
  const needed = new Map<string, { lookAt: number; pauseMs: number }>();
  return {
    name: "retire",
    everyMs: 5_000,
    leaderOnly: false,
    role: "api",
    async tick(now) {
      const candidates = new Set(deps.candidates());
      for (const id of needed.keys()) if (!candidates.has(id)) needed.delete(id);
      for (const id of candidates) {
        const last = needed.get(id);
        if (last !== undefined && now < last.lookAt) continue;
        if (await deps.isIdle(id)) {
          await deps.executor.retire(id);
          deps.retired(id);
          needed.delete(id);
          continue;
        }
        const pauseMs = Math.min(LAST_LOOK_MS, last === undefined ? FIRST_LOOK_MS : last.pauseMs * 2);
        needed.set(id, { lookAt: now + pauseMs, pauseMs });
      }
    },
  };
}
