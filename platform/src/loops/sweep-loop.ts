import type { Announcements } from "../runs/announcements.ts";
import type { RunStore } from "../runs/run-store.ts";
import type { Loop } from "./loop.ts";

/** Lanes looked at in one tick: a few milliseconds. */
const SLICE = 2000;
const FIRST = "0";
/** Runs released in one statement. */
const RELEASED = 1000;
const RELEASE_EVERY_MS = 5000;

/**
 * Repairs what a lost announcement left behind: a crash between a commit and its announcement, or another replica's. It
 * walks over all lanes, a slice each second; after a start, when every announcement is lost, without a rest. And it
 * releases runs that wait for a version which was promoted while they were being triggered.
 */
export function sweepLoop(deps: { store: RunStore; announcements: Announcements }): Loop {
  let after = FIRST;
  let isFirstRound = true;
  let releasedAt = Number.NEGATIVE_INFINITY;
  return {
    name: "sweep",
    everyMs: 1000,
    leaderOnly: true,
    async tick(now) {
      if (now - releasedAt >= RELEASE_EVERY_MS) {
        for (const environmentId of await deps.store.releasableEnvironments()) await releaseAll(deps, environmentId);
        releasedAt = now;
      }
      const { lanes, last } = await deps.store.strandedLanes(after, SLICE);
      deps.announcements.announce(lanes);
      after = last ?? FIRST;
      if (last === undefined) isFirstRound = false;
      return isFirstRound ? 0 : undefined;
    },
  };
}

/** All runs of an environment whose version has come; in slices, however many have waited. */
export async function releaseAll(
  deps: { store: RunStore; announcements: Announcements },
  environmentId: number,
): Promise<void> {
  for (;;) {
    const { released, announcements } = await deps.store.releasePendingVersions(environmentId, RELEASED);
    deps.announcements.announce(announcements);
    if (released < RELEASED) return;
  }
}
