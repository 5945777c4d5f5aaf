import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import type { RunStore } from "../runs/run-store.ts";
import type { Upkeep } from "../runs/upkeep.ts";
import type { Loop } from "./loop.ts";

/** Retention, once an hour: history goes by whole partitions, keys, packets and spent tokens by their expiry. */
export function upkeepLoop(deps: { store: RunStore; upkeep: Upkeep }): Loop {
  return {
    name: "upkeep",
    everyMs: 3600_000,
    leaderOnly: true,
    async tick() {
      await deps.upkeep.ensurePartitions();
      await deps.upkeep.dropPartitions({
        runDays: DEFAULT_LIMITS.runRetentionDays,
        eventDays: DEFAULT_LIMITS.eventRetentionDays,
      });
      await deps.upkeep.deleteExpired();
      await deps.store.retireLanes();
    },
  };
}
