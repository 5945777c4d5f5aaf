import type { Announcements } from "../runs/announcements.ts";
import type { RunStore } from "../runs/run-store.ts";
import type { Loop } from "./loop.ts";

/** Repairs what a lost announcement left behind: a crash between a commit and its announcement, or another replica's. */
export function sweepLoop(deps: { store: RunStore; announcements: Announcements }): Loop {
  return {
    name: "sweep",
    everyMs: 1000,
    leaderOnly: false,
    async tick() {
      deps.announcements.announce(await deps.store.strandedLanes(1000));
    },
  };
}
