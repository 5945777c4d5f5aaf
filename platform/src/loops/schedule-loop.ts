import { decideDue } from "../schedules/catch-up-policy.ts";
import { type DueRunsDeps, workOffDues } from "../schedules/due-runs.ts";
import type { ScheduleStore } from "../schedules/schedule-store.ts";
import type { Loop } from "./loop.ts";

/** Due at once, more are taken in turns: the first need not wait for the last. */
const BATCH = 200;

export interface ScheduleLoopDeps extends DueRunsDeps {
  schedules: Pick<ScheduleStore, "claim" | "workOff" | "nextInMs">;
}

/**
 * Takes what is due, once however many do it, and triggers its runs. It sleeps until the next due time and is woken by
 * changes; a due time that was taken by a process which died is worked off by the next look of any.
 */
export function scheduleLoop(deps: ScheduleLoopDeps): Loop {
  const { schedules } = deps;
  return {
    name: "schedules",
    everyMs: 1000,
    leaderOnly: false,
    async tick() {
      const claimed = await schedules.claim(BATCH, decideDue);
      const worked = await schedules.workOff(BATCH, (pending, nowMs) => workOffDues(deps, pending, nowMs));
      return claimed === BATCH || worked === BATCH ? 0 : schedules.nextInMs();
    },
  };
}
