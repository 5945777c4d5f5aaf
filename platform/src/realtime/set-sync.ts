import { REALTIME_SET_RUNS } from "@gantry/sdk/contract";
import type { LiveReads } from "../runs/live-reads.ts";
import type { RunDetail } from "../runs/run.ts";
import type { LiveMetrics } from "./live-metrics.ts";
import type { Pulse } from "./pulse.ts";
import { clear, owe, type Room, type Subscription } from "./room.ts";
import type { RunReader } from "./run-reader.ts";

/** Runs read together for snapshots, and about how many bytes of them are in memory at a time. */
const SLICE = 100;
const SNAPSHOT_BYTES = 8 * 1024 * 1024;

export interface SetSyncDeps {
  reads: Pick<LiveReads, "members">;
  reader: Pick<RunReader, "read">;
  pulse: Pulse;
  metrics: LiveMetrics;
  present(subscription: Subscription, runs: readonly RunDetail[], unchanged: readonly string[]): void;
  /** It is owed runs. */
  serve(subscription: Subscription): void;
  onError(error: unknown): void;
}

type Member = { runId: string; revision: number };

/**
 * Looks at a set as a whole: its newest members with their revisions. What differs from what its subscribers know was missed,
 * and is owed to them; who has just joined gets its snapshot. As (id, revision) is compared, the order in which transactions
 * commit does not matter: a run that turns up late among older ones is one that is not known.
 */
export class SetSync {
  readonly #deps: SetSyncDeps;

  constructor(deps: SetSyncDeps) {
    this.#deps = deps;
  }

  /** Never rejects: what failed is tried again by the next check. */
  async run(room: Room): Promise<void> {
    if (room.sync !== "none") {
      room.sync = "again";
      return;
    }
    try {
      do {
        room.sync = "underWay";
        await this.#look(room);
      } while (this.#isAgain(room));
    } catch (error) {
      this.#deps.onError(error);
    } finally {
      room.sync = "none";
    }
  }

  #isAgain({ sync }: Room): boolean {
    return sync === "again";
  }

  async #look(room: Room): Promise<void> {
    const { reads, pulse, metrics } = this.#deps;
    if (room.target.kind !== "set") return;
    const joining = [...room.subscriptions].filter(({ state, socket }) => state === "joining" && socket.isReady);
    const startedAt = pulse.now();
    room.checkedAt = startedAt;
    // All that has changed so far will be seen.
    for (const subscription of joining) clear(subscription);
    const members = await reads.members(room.environmentId, room.target.set, REALTIME_SET_RUNS);
    metrics.queried("members", members.length, pulse.now() - startedAt);
    this.#repair(room, members);
    if (joining.length > 0) await this.#snapshots(room, joining, members);
  }

  #repair(room: Room, members: readonly Member[]): void {
    const known = room.revisions;
    const missed: string[] = [];
    // In the order of time, as `note` keeps them: what is forgotten first is oldest.
    room.revisions = new Map();
    for (const { runId, revision } of [...members].reverse()) {
      const before = known.get(runId) ?? -1;
      if (before < revision) missed.push(runId);
      room.revisions.set(runId, Math.max(before, revision));
    }
    const live = [...room.subscriptions].filter(({ state }) => state === "live");
    if (missed.length === 0 || live.length === 0) return;
    this.#deps.metrics.repaired(missed.length);
    for (const subscription of live) {
      for (const runId of missed) owe(subscription, runId);
      this.#deps.serve(subscription);
    }
  }

  async #snapshots(room: Room, joining: readonly Subscription[], members: readonly Member[]): Promise<void> {
    const isWanted = ({ since, limit }: Subscription) => {
      const seen = members.slice(0, limit);
      return seen.filter(({ runId, revision }) => (since.get(runId) ?? -1) < revision);
    };
    const wanted = new Map(joining.map((subscription) => [subscription, isWanted(subscription)]));
    const all = new Set([...wanted.values()].flat().map(({ runId }) => runId));
    const runs = await this.#read(
      room,
      members.filter(({ runId }) => all.has(runId)),
    );
    for (const [subscription, wants] of wanted) {
      const found = wants.flatMap(({ runId }) => runs.get(runId) ?? []);
      for (const { runId } of wants) if (!runs.has(runId)) owe(subscription, runId);
      const isNew = new Set(wants.map(({ runId }) => runId));
      const unchanged = members.slice(0, subscription.limit).flatMap(({ runId }) => (isNew.has(runId) ? [] : [runId]));
      this.#deps.present(subscription, found, unchanged);
    }
  }

  /** Newest first, as far as memory allows; the rest is sent after the snapshot. */
  async #read(room: Room, members: readonly Member[]): Promise<Map<string, RunDetail>> {
    const runs = new Map<string, RunDetail>();
    let bytes = 0;
    for (let at = 0; at < members.length && bytes < SNAPSHOT_BYTES; at += SLICE) {
      const slice = members.slice(at, at + SLICE);
      const { environmentId } = room;
      const read = await Promise.all(slice.map(({ runId }) => this.#deps.reader.read({ environmentId, runId }, false)));
      for (const run of read) {
        if (run === undefined) continue;
        runs.set(run.id, run);
        bytes += run.metadata?.data.length ?? 0;
      }
    }
    return runs;
  }
}
