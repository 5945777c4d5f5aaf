import type { Executor } from "../cluster/executor.ts";
import type { Loop } from "./loop.ts";

/** Tells the executor which versions are neither current nor needed by a live run: their workers may end. */
export function retireLoop(deps: { idleDeployments(): Promise<string[]>; executor: Executor }): Loop {
  const retired = new Set<string>();
  return {
    name: "retire",
    everyMs: 5_000,
    leaderOnly: false,
    async tick() {
      const idle = new Set(await deps.idleDeployments());
      for (const id of idle) {
        if (retired.has(id)) continue;
        retired.add(id);
        await deps.executor.retire(id);
      }
      // A version that is current again may be retired again.
      for (const id of retired) if (!idle.has(id)) retired.delete(id);
    },
  };
}
