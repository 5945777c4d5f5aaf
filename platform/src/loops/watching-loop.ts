import type { RunHints } from "../cluster/run-hints.ts";
import type { Loop } from "./loop.ts";

/** Tells the other replicas again which environments are watched here: a wish that is not repeated ends. */
export function watchingLoop(hints: Pick<RunHints, "repeat">): Loop {
  return {
    name: "watching",
    role: "api",
    everyMs: 5_000,
    leaderOnly: false,
    tick: async () => hints.repeat(),
  };
}
