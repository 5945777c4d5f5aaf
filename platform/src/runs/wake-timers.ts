import type { TriggerRequest } from "./run.ts";
import type { RunService } from "./run-service.ts";

/** A delayed run that is due before the timer loop's next look moves that look forward. */
export function wakeTimers(runs: RunService, wake: () => void): RunService {
  return {
    ...runs,
    async trigger(environment, requests, fence) {
      const results = await runs.trigger(environment, requests, fence);
      if (requests.some(isDueSoon)) wake();
      return results;
    },
    async addToBatch(environment, batchId, items) {
      const results = await runs.addToBatch(environment, batchId, items);
      if (items.some(({ request }) => isDueSoon(request))) wake();
      return results;
    },
    async replay(environment, runId, overrides) {
      const result = await runs.replay(environment, runId, overrides);
      if (isDueSoon(overrides)) wake();
      return result;
    },
    async reschedule(environment, runId, delayUntil) {
      await runs.reschedule(environment, runId, delayUntil);
      wake();
    },
  };
}

/** Before the timer loop looks by itself. */
function isDueSoon({ delayUntil, ttlMs }: Pick<Partial<TriggerRequest>, "delayUntil" | "ttlMs">): boolean {
  return (
    (delayUntil !== undefined && delayUntil.getTime() - Date.now() < 1000) || (ttlMs !== undefined && ttlMs < 1000)
  );
}
