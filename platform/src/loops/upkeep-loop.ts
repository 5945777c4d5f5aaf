import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import type { InsightStore } from "../insights/insight-store.ts";
import type { RunStore } from "../runs/run-store.ts";
import type { Upkeep } from "../runs/upkeep.ts";
import type { Loop } from "./loop.ts";

/** Retention, once an hour: history goes by whole partitions, keys, packets and spent tokens by their expiry. */
export function upkeepLoop(deps: {
  store: RunStore;
  upkeep: Upkeep;
  insights: Pick<InsightStore, "deleteOld">;
  isLeader(): boolean;
}): Loop {
  const { store, upkeep, insights } = deps;
  const retention = { runDays: DEFAULT_LIMITS.runRetentionDays, eventDays: DEFAULT_LIMITS.eventRetentionDays };
  return {
    name: "upkeep",
    everyMs: 3600_000,
    leaderOnly: true,
    async tick() {
      const steps = [
        () => upkeep.ensurePartitions(),
        () => upkeep.dropPartitions(retention),
        () => upkeep.deleteExpired(),
        () => store.retireLanes(),
        () => insights.deleteOld(retention.runDays),
      ];
      const errors: unknown[] = [];
      // One that fails (a table is locked for long) keeps none of the others from being done.
      for (const step of steps) if (deps.isLeader()) await step().catch((error: unknown) => errors.push(error));
      if (errors.length > 0) throw new AggregateError(errors, `${errors.length} steps of the upkeep failed`);
    },
  };
}
