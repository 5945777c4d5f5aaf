import { MAX_OFFLINE_MS } from "@gantry/sdk/contract";
import type { ConnectedWorkers } from "../cluster/connected-workers.ts";
import type { HeartbeatFlush } from "../cluster/heartbeat-flush.ts";
import type { RunStore } from "../runs/run-store.ts";
import type { Loop } from "./loop.ts";

const EVERY_MS = 1_000;
/** A pause longer than this part of a lease is the platform's own: no worker is blamed for it. */
const OWN_GAP = 1 / 3;

export function ownGapMs(leaseTtlMs: number): number {
  return Math.max(2 * EVERY_MS, leaseTtlMs * OWN_GAP);
}

export interface HeartbeatDeps {
  leaseTtlMs: number;
  store: RunStore;
  heartbeats: HeartbeatFlush;
  workers: ConnectedWorkers;
}

/**
 * Stores the heartbeats of the workers that are connected here once a second, and says in the database that this platform
 * receives them. Time in which no replica could receive or store heartbeats does not count: after such a gap all leases
 * are fresh.
 */
export function heartbeatLoop(deps: HeartbeatDeps): Loop {
  return {
    name: "heartbeats",
    role: "api",
    everyMs: EVERY_MS,
    leaderOnly: false,
    async tick(now) {
      await deps.heartbeats.flush();
      await deps.store.receiving(ownGapMs(deps.leaseTtlMs), deps.leaseTtlMs);
      deps.workers.forgetGone(now - MAX_OFFLINE_MS - deps.leaseTtlMs);
    },
  };
}
