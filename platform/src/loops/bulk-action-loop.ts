import type { BulkActionStore } from "../runs/bulk-action.ts";
import { type BulkDeps, stepBulkAction } from "../runs/carry-out-bulk.ts";
import type { Loop } from "./loop.ts";

const OPEN_AT_ONCE = 10;

/** Carries bulk actions out, a step of each in turn: none keeps another waiting. */
export function bulkActionLoop(deps: BulkDeps & { actions: BulkActionStore; isLeader(): boolean }): Loop {
  return {
    name: "bulk-actions",
    everyMs: 1000,
    leaderOnly: true,
    async tick() {
      let isMore = false;
      for (const action of await deps.actions.open(OPEN_AT_ONCE)) {
        if (!deps.isLeader()) return undefined;
        isMore = (await stepBulkAction(deps, action)) || isMore;
      }
      return isMore ? 0 : undefined;
    },
  };
}
