import { REALTIME_SET_RUNS } from "@gantry/sdk/contract";
import type { Resource } from "../http/access-policy.ts";
import type { RealtimeSocket } from "./realtime-socket.ts";
import type { LiveTarget } from "./target-policy.ts";

/** So many runs that one subscription has yet to be sent; with more it is told that it has missed some. */
const PENDING = REALTIME_SET_RUNS;
/** Runs of a set that are remembered between two looks. */
const REMEMBERED = 2 * REALTIME_SET_RUNS;

/** One client's interest in a room. */
export interface Subscription {
  readonly id: string;
  readonly socket: RealtimeSocket;
  readonly room: Room;
  /** What it said it has; let go with its first snapshot. */
  since: ReadonlyMap<string, number>;
  readonly skip: ReadonlySet<"payload" | "output">;
  /** Runs of a set's snapshot at most. */
  readonly limit: number;
  /** `joining` until its snapshot is sent: what changes meanwhile is pending. */
  state: "joining" | "live" | "ended";
  /** Runs whose present value it is still to be sent. */
  readonly pending: Set<string>;
  /** More than it could remember: it needs a new snapshot, or to be told. */
  hasMissed: boolean;
}

/**
 * All who see the same run or the same set. It knows the revisions that its members have been sent, or are waiting for; not the
 * runs themselves, so that neither a large run nor a slow client costs memory.
 */
export class Room {
  readonly key: string;
  readonly environmentId: number;
  readonly target: LiveTarget;
  readonly subscriptions = new Set<Subscription>();
  /** Run id → newest revision seen; of sets those that changed last come last. */
  revisions = new Map<string, number>();
  /** The names under which its run may be read, once it was read. Of sets it is the target that names them. */
  resources: readonly Resource[] | undefined;
  /** The run has ended: it changes hardly any more. */
  isFinal = false;
  /** When the store was last asked about it as a whole, by the pulse. */
  checkedAt: number;
  /** A look at the set is under way, and whether another is to follow. */
  sync: "none" | "underWay" | "again" = "none";
  /** When its subscribers were last told that too much changes to be told, by the pulse. */
  staleAt = Number.NEGATIVE_INFINITY;

  constructor(key: string, environmentId: number, target: LiveTarget, checkedAt: number) {
    this.key = key;
    this.environmentId = environmentId;
    this.target = target;
    this.checkedAt = checkedAt;
  }

  /** Notes a revision that was read; false where it is known. */
  note(runId: string, revision: number): boolean {
    const known = this.revisions.get(runId);
    if (known !== undefined && known >= revision) return false;
    this.revisions.delete(runId);
    this.revisions.set(runId, revision);
    if (this.revisions.size > REMEMBERED) {
      const [oldest] = this.revisions.keys();
      if (oldest !== undefined) this.revisions.delete(oldest);
    }
    return true;
  }
}

/** What is pending was forgotten or is about to be read anew: it is as if nothing had been missed. */
export function clear(subscription: Subscription): void {
  subscription.pending.clear();
  subscription.hasMissed = false;
}

/** Remembers that the subscription is to be sent the run, in bounded memory. */
export function owe(subscription: Subscription, runId: string): void {
  if (subscription.hasMissed) return;
  subscription.pending.add(runId);
  if (subscription.pending.size <= PENDING) return;
  subscription.hasMissed = true;
  subscription.pending.clear();
}
