import { ownNow } from "./own-clock.ts";
import { requireScope } from "./run-scope.ts";

export interface ComputeUsage {
  /** Always 0: Gantry runs on your own machines. */
  costInCents: number;
  /** Compute time in milliseconds. */
  durationMs: number;
}

export interface CurrentUsage {
  compute: {
    /** Of this attempt so far. */
    attempt: ComputeUsage;
    /** Of all attempts so far; where the run has no maxDuration, of this attempt. */
    total: ComputeUsage;
  };
  baseCostInCents: number;
  totalCostInCents: number;
}

export const usage = {
  /** What the run used so far. Error: outside a run. */
  getCurrent: (): CurrentUsage => {
    const { grant, startedAt } = requireScope("usage.getCurrent()");
    const { maxDurationMs } = grant.run;
    const earlier = maxDurationMs === undefined ? 0 : maxDurationMs - (grant.remainingComputeMs ?? maxDurationMs);
    const attemptMs = ownNow() - startedAt;
    return {
      compute: { attempt: compute(attemptMs), total: compute(attemptMs + Math.max(0, earlier)) },
      baseCostInCents: 0,
      totalCostInCents: 0,
    };
  },
  /** Runs `fn` and tells how long it took. Works outside a run too. */
  measure: async <T>(fn: () => Promise<T>): Promise<{ result: T; compute: ComputeUsage }> => {
    const startedAt = performance.now();
    const result = await fn();
    return { result, compute: compute(performance.now() - startedAt) };
  },
};

function compute(durationMs: number): ComputeUsage {
  return { costInCents: 0, durationMs };
}
