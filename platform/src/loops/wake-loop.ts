import type { TellWorker } from "../cluster/tell-worker.ts";
import type { JournalStore } from "../journal/journal-store.ts";
import type { Announcements } from "../runs/announcements.ts";
import type { Loop } from "./loop.ts";

const BATCH = 1000;

export interface WakeDeps {
  journals: Pick<JournalStore, "wake" | "nextDueInMs" | "archive">;
  announcements: Announcements;
  tellWorker: TellWorker;
}

/**
 * Completes waits that are due or whose run has ended, and wakes the runs concerned. Every process does it for what it saw
 * itself; once a second, and when the next wait is due, for what nobody told of.
 */
export function wakeLoop({ journals, announcements, tellWorker }: WakeDeps): Loop {
  return {
    name: "wakes",
    role: "any",
    everyMs: 1000,
    leaderOnly: false,
    async tick() {
      const { woken, isMore } = await journals.wake(BATCH);
      announcements.announce(woken.map((run) => run.announcement));
      // One that waits for a slot is told by the admission that gives it.
      for (const { executionId, announcement } of woken)
        if (executionId !== undefined && announcement === undefined) tellWorker(executionId, "wake");
      if (isMore || (await journals.archive(BATCH)) === BATCH) return 0;
      return journals.nextDueInMs();
    },
  };
}
