import type { InsightStore } from "../insights/insight-store.ts";
import type { Loop } from "./loop.ts";

/** For so long a tick counts on where much has piled up: after a restart, or before this release. */
const BUSY_MS = 1000;

/** Counts runs that have ended into the figures of tasks and errors, a few seconds behind. */
export function insightsLoop(deps: { insights: Pick<InsightStore, "countEnded">; isLeader(): boolean }): Loop {
  return {
    name: "insights",
    everyMs: 5000,
    leaderOnly: true,
    async tick() {
      const startedAt = performance.now();
      while (await deps.insights.countEnded())
        if (!deps.isLeader() || performance.now() - startedAt > BUSY_MS) return BUSY_MS;
      return undefined;
    },
  };
}
