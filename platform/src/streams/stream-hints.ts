import type { Bus } from "../cluster/bus.ts";
import type { RunChanges } from "../runs/run-changes.ts";

/** Says after each commit that a run's streams have grown. As RunChanges: hints, which may be lost. */
export interface StreamHints {
  /** `runId` is public. */
  streamed(environmentId: number, runId: string): void;
  onStreamed(listener: (runIds: readonly string[]) => void): void;
}

/** Over the bus, where somebody watches the environment. */
export function createStreamHints(bus: Bus, changes: Pick<RunChanges, "isWatched">): StreamHints {
  const listeners: ((runIds: readonly string[]) => void)[] = [];
  const tellHere = (runIds: readonly string[]) => {
    for (const listener of listeners) listener(runIds);
  };
  bus.subscribe((message) => {
    if (message.type === "streamed") tellHere(message.runIds);
  });
  return {
    streamed(environmentId, runId) {
      tellHere([runId]);
      if (changes.isWatched(environmentId)) bus.publish({ type: "streamed", environmentId, runIds: [runId] });
    },
    onStreamed: (listener) => void listeners.push(listener),
  };
}
