import type { Dispatch } from "../cluster/dispatch.ts";
import type { Loop } from "./loop.ts";

/** Sees to it that a worker comes for every execution that waits for one, whoever admitted it and whatever became of the launch. */
export function launchLoop(deps: { dispatch: Dispatch }): Loop {
  return {
    name: "launch",
    everyMs: 3000,
    leaderOnly: false,
    role: "any",
    tick: () => deps.dispatch.relaunch(),
  };
}
