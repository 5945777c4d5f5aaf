import type { LiveRuns } from "../realtime/live-runs.ts";
import type { Loop } from "./loop.ts";

/** Compares what sockets were sent with the store: a change whose hint was lost is found within seconds. */
export function realtimeLoop(runs: Pick<LiveRuns, "check">): Loop {
  return {
    name: "realtime",
    role: "api",
    everyMs: 1_000,
    leaderOnly: false,
    minGapMs: 50,
    tick: () => runs.check(),
  };
}
