import type { Bus } from "./bus.ts";

/** Tells caches of every replica that an environment's limits, keys or current version are others now. */
export interface EnvironmentChanges {
  /** Changed here: this process's own caches know. */
  announce(environmentId: number): void;
  /** Changed by another replica. */
  onChange(listener: (environmentId: number) => void): void;
}

export function environmentChanges(bus: Bus): EnvironmentChanges {
  return {
    announce: (environmentId) => bus.publish({ type: "changed", environmentId }),
    onChange: (listener) =>
      bus.subscribe((message) => {
        if (message.type === "changed") listener(message.environmentId);
      }),
  };
}
