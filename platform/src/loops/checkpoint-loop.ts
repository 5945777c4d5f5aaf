import type { CheckpointStore } from "../checkpoints/checkpoint-store.ts";
import type { Loop } from "./loop.ts";

/** Storing one takes seconds; what was begun so long ago and is no run's belongs to a worker that is gone. */
const STAGED_FOR_MS = 15 * 60_000;
/** Deleted in one look, some chunks in each commit: one may have hundreds of megabytes. */
const BATCH = 20;

/** Deletes stored processes that no live run refers to. */
export function checkpointLoop({ checkpoints }: { checkpoints: Pick<CheckpointStore, "sweep"> }): Loop {
  return {
    name: "checkpoints",
    everyMs: 60_000,
    leaderOnly: true,
    async tick() {
      const swept = await checkpoints.sweep(STAGED_FOR_MS, BATCH);
      return swept === BATCH ? 0 : undefined;
    },
  };
}
