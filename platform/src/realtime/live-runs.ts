import { isFinalRunStatus } from "@gantry/sdk/contract";
import { AppError } from "../errors.ts";
import { runResources } from "../http/run-view.ts";
import type { LiveReads } from "../runs/live-reads.ts";
import type { RunDetail } from "../runs/run.ts";
import type { RunChanges } from "../runs/run-changes.ts";
import { runNotFound } from "../runs/run-ids.ts";
import type { LiveMetrics } from "./live-metrics.ts";
import { Outgoing } from "./outgoing.ts";
import type { Pulse } from "./pulse.ts";
import type { RealtimeSocket } from "./realtime-socket.ts";
import { owe, type Room, type Subscription } from "./room.ts";
import { Rooms } from "./rooms.ts";
import { type ReadRun, RunReader } from "./run-reader.ts";
import { SetSync } from "./set-sync.ts";
import { type SubscribeWish, setResources } from "./target-policy.ts";

/** A room is compared with the store after so long without a word of it; one whose run has ended after longer. */
const CHECK_MS = 5_000;
const CHECK_FINAL_MS = 60_000;
/** A new room is looked at sooner: other replicas may not have heard yet that it is there. */
const FIRST_CHECK_MS = 1_000;
/** Rooms of runs compared in one query. */
const CHECKED_AT_ONCE = 1_000;
/** Sets are compared for so long in one check. */
const CHECK_BUDGET_MS = 200;
/** With more runs waiting to be read, those that only sets show are not read one by one. */
const FLOOD = 1_000;
const STALE_EVERY_MS = 1_000;
/** Runs that a client is owed are read so many at a time: it may not take more. */
const SERVED = 20;

export interface LiveRunsDeps {
  reads: LiveReads;
  changes: RunChanges;
  pulse: Pulse;
  metrics: LiveMetrics;
  /** A check is to be made now. */
  wakeCheck(): void;
  onError(error: unknown, what: string): void;
}

/**
 * Runs as they change, for any number of subscribers.
 *
 *   hint ──→ RunReader ──→ rooms of the run and of its sets ──→ each subscriber whose socket is ready: update
 *            (one query                                     └─→ others are owed the run: read again when they are ready
 *             for all)
 *   check ─→ what differs in the store though no hint came: the same way
 *
 * Nothing is remembered of a run but its revision. So a client that reads slowly costs the ids of what it is owed, and is sent
 * what is true by then.
 */
export class LiveRuns {
  readonly #deps: LiveRunsDeps;
  readonly #reader: RunReader;
  readonly #sync: SetSync;
  readonly #rooms: Rooms;

  constructor(deps: LiveRunsDeps) {
    this.#deps = deps;
    const { reads, changes, pulse, metrics } = deps;
    this.#rooms = new Rooms(changes);
    this.#reader = new RunReader({
      reads,
      pulse,
      isWhole: (environmentId, runId) => this.#rooms.ofRun(environmentId, runId) !== undefined,
      onRead: (runs) => this.#read(runs),
      onQuery: (runs, ms) => metrics.queried("runs", runs, ms),
      onError: (error) => deps.onError(error, "changed runs could not be read; they are tried again"),
    });
    this.#sync = new SetSync({
      reads,
      pulse,
      metrics,
      reader: this.#reader,
      present: (subscription, runs, unchanged) => this.#present(subscription, runs, unchanged),
      serve: (subscription) => this.#serve(subscription),
      onError: (error) => deps.onError(error, "a set of runs could not be read; it is tried again"),
    });
    changes.onTouched((environmentId, runIds) => this.#touched(environmentId, runIds));
    changes.onLost(() => {
      for (const room of this.#rooms) room.checkedAt = Number.NEGATIVE_INFINITY;
      deps.wakeCheck();
    });
  }

  close(): void {
    this.#reader.close();
    this.#rooms.close();
  }

  // ── what subscribers ask ──

  /**
   * Joins; the snapshot follows after `begin` was called. Errors: RUN_NOT_FOUND, BATCH_NOT_FOUND, FORBIDDEN, those of the store.
   */
  async subscribe(socket: RealtimeSocket, wish: SubscribeWish): Promise<{ subscription: Subscription; begin(): void }> {
    const { target, id, since, skip } = wish;
    if (target.kind === "set") await this.#allowSet(socket, target.set);
    const subscription: Subscription = {
      id,
      socket,
      since,
      skip,
      room: this.#rooms.open(socket.environment.id, target, this.#firstCheckAt()),
      limit: target.kind === "set" ? target.limit : 1,
      state: "joining",
      pending: new Set(),
      hasMissed: false,
    };
    // First it hears of changes, then it reads: what comes in between is owed.
    subscription.room.subscriptions.add(subscription);
    this.#deps.metrics.subscribed(kindOf(subscription.room), 1);
    if (target.kind === "set") return { subscription, begin: () => void this.#sync.run(subscription.room) };
    try {
      const run = await this.#runFor(subscription, target.runId);
      return { subscription, begin: () => this.#presentRun(subscription, run) };
    } catch (error) {
      this.leave(subscription);
      throw error;
    }
  }

  leave(subscription: Subscription): void {
    const { room } = subscription;
    if (subscription.state === "ended") return;
    subscription.state = "ended";
    subscription.pending.clear();
    room.subscriptions.delete(subscription);
    this.#deps.metrics.subscribed(kindOf(room), -1);
    if (room.subscriptions.size === 0) this.#rooms.drop(room);
  }

  /** Why its socket's present token does not allow the subscription any more. */
  refusal({ socket, room }: Subscription): AppError | undefined {
    const resources = room.target.kind === "set" ? setResources(room.target.set) : room.resources;
    return resources === undefined ? undefined : socket.refusal("read", resources);
  }

  /** Its socket is ready again: it gets what it is owed. */
  resume(subscription: Subscription): void {
    if (subscription.state === "joining") void this.#join(subscription);
    else if (subscription.hasMissed) this.#overflowed(subscription);
    else this.#serve(subscription);
  }

  /** Compares rooms with the store. Returns 0 where there are more to compare, else undefined. */
  async check(): Promise<number | undefined> {
    const now = this.#deps.pulse.now();
    const due: Room[] = [];
    for (const room of this.#rooms)
      if (now - room.checkedAt >= (room.isFinal ? CHECK_FINAL_MS : CHECK_MS)) due.push(room);
    const runs = due.filter((room) => room.target.kind === "run").slice(0, CHECKED_AT_ONCE);
    if (runs.length > 0) await this.#checkRuns(runs);
    for (const room of due) {
      if (room.target.kind === "run") continue;
      if (this.#deps.pulse.now() - now > CHECK_BUDGET_MS) return 0;
      await this.#sync.run(room);
    }
    return runs.length === CHECKED_AT_ONCE ? 0 : undefined;
  }

  // ── changes ──

  #touched(environmentId: number, runIds: readonly string[]): void {
    if (!this.#rooms.isWatched(environmentId)) return;
    const hasSets = this.#rooms.hasSets(environmentId);
    let isFlood = false;
    for (const runId of runIds) {
      const isOwn = this.#rooms.ofRun(environmentId, runId) !== undefined;
      if (isOwn || (hasSets && this.#reader.waiting < FLOOD)) this.#reader.touch({ environmentId, runId });
      else if (hasSets) isFlood = true;
    }
    if (isFlood) this.#flooded(environmentId);
  }

  /** More changes than are worth reading one by one: sets are looked at as wholes. */
  #flooded(environmentId: number): void {
    for (const room of this.#rooms.sets(environmentId)) {
      if (room.target.kind === "set" && room.target.set.kind === "environment") this.#tellStale(room);
      else room.checkedAt = Number.NEGATIVE_INFINITY;
    }
  }

  #tellStale(room: Room): void {
    const now = this.#deps.pulse.now();
    if (now - room.staleAt < STALE_EVERY_MS) return;
    room.staleAt = now;
    for (const subscription of room.subscriptions) {
      if (subscription.state === "live" && subscription.socket.isReady) {
        subscription.socket.send("stale", { id: subscription.id });
        this.#deps.metrics.overflowed();
      } else {
        subscription.hasMissed = true;
        subscription.pending.clear();
      }
    }
  }

  #read(runs: ReadRun[]): void {
    const outgoing = new Map<Subscription, RunDetail[]>();
    for (const { environmentId, runId, run } of runs) {
      const own = this.#rooms.ofRun(environmentId, runId);
      if (run === undefined) {
        if (own !== undefined) this.#vanished(own);
        this.#forget(environmentId, runId);
        continue;
      }
      if (own !== undefined) {
        own.resources = runResources(run);
        own.isFinal = isFinalRunStatus(run.status);
        this.#offer(own, run, outgoing);
      }
      for (const room of this.#rooms.setsOf(environmentId, run)) this.#offer(room, run, outgoing);
    }
    const messages = new Outgoing();
    for (const [subscription, changed] of outgoing) this.#update(subscription, changed, messages);
  }

  #offer(room: Room, run: RunDetail, outgoing: Map<Subscription, RunDetail[]>): void {
    const isNews = room.note(run.id, run.revision);
    for (const subscription of room.subscriptions) {
      if (!isNews && !subscription.pending.has(run.id)) continue;
      if (subscription.state === "joining" || subscription.hasMissed || !subscription.socket.isReady) {
        if (subscription.state === "live") this.#deps.metrics.heldBack();
        owe(subscription, run.id);
        continue;
      }
      const runs = outgoing.get(subscription);
      if (runs === undefined) outgoing.set(subscription, [run]);
      else runs.push(run);
    }
  }

  #update(subscription: Subscription, runs: RunDetail[], messages: Outgoing): void {
    const { socket } = subscription;
    if (!socket.isReady) {
      this.#deps.metrics.heldBack();
      for (const run of runs) owe(subscription, run.id);
      return;
    }
    const { json, left } = messages.update(subscription, runs);
    socket.sendJson("update", json);
    this.#deps.metrics.sent("update", runs.length - left.length);
    for (const run of runs) subscription.pending.delete(run.id);
    for (const run of left) owe(subscription, run.id);
    this.#serve(subscription);
  }

  /** Reads some of what it is owed, while its socket is ready; the rest follows. */
  #serve({ state, pending, socket, room }: Subscription): void {
    if (state !== "live" || pending.size === 0 || !socket.isReady) return;
    let count = 0;
    for (const runId of pending) {
      this.#reader.touch({ environmentId: room.environmentId, runId });
      if (++count === SERVED) return;
    }
  }

  // ── snapshots ──

  async #allowSet(socket: RealtimeSocket, set: Parameters<typeof setResources>[0]): Promise<void> {
    const refusal = socket.refusal("read", setResources(set));
    if (refusal !== undefined) throw refusal;
    if (set.kind === "batch" && !(await this.#deps.reads.hasBatch(socket.environment.id, set.batchId)))
      throw new AppError("BATCH_NOT_FOUND", `There is no batch ${set.batchId} in this environment.`);
  }

  async #runFor({ socket, skip, room }: Subscription, runId: string): Promise<RunDetail> {
    const ref = { environmentId: room.environmentId, runId };
    const run = await this.#reader.read(ref, !skip.has("payload"));
    if (run === undefined) throw runNotFound(runId);
    const refusal = socket.refusal("read", runResources(run));
    if (refusal !== undefined) throw refusal;
    return run;
  }

  async #join(subscription: Subscription): Promise<void> {
    const { target } = subscription.room;
    if (target.kind === "set") return this.#sync.run(subscription.room);
    try {
      this.#presentRun(subscription, await this.#runFor(subscription, target.runId));
    } catch (error) {
      if (error instanceof AppError) this.#close(subscription, error);
      else this.#deps.onError(error, "a run could not be read for its subscriber; it is tried again");
    }
  }

  #presentRun(subscription: Subscription, run: RunDetail): void {
    const isKnown = (subscription.since.get(run.id) ?? -1) >= run.revision;
    this.#present(subscription, isKnown ? [] : [run], isKnown ? [run.id] : [], isKnown ? run.revision : undefined);
  }

  /** The subscription's first word; later, if its socket is not ready. */
  #present(
    subscription: Subscription,
    runs: readonly RunDetail[],
    unchanged: readonly string[],
    revision?: number,
  ): void {
    const { socket, room, pending } = subscription;
    if (subscription.state !== "joining" || !socket.isReady) return;
    subscription.state = "live";
    subscription.since = NOTHING;
    const { json, left } = new Outgoing().snapshot(subscription, runs, unchanged);
    socket.sendJson("snapshot", json);
    this.#deps.metrics.sent("snapshot", runs.length - left.length);
    for (const run of runs) if (run.revision >= (room.revisions.get(run.id) ?? 0)) pending.delete(run.id);
    const [only] = unchanged;
    if (revision !== undefined && only !== undefined && revision >= (room.revisions.get(only) ?? 0))
      pending.delete(only);
    for (const run of left) owe(subscription, run.id);
    if (subscription.hasMissed) this.#overflowed(subscription);
    else this.#serve(subscription);
  }

  /** It could not remember all that it has missed. */
  #overflowed(subscription: Subscription): void {
    const { socket, room } = subscription;
    this.#deps.metrics.overflowed();
    subscription.hasMissed = false;
    if (room.target.kind === "set" && room.target.set.kind === "environment") {
      socket.send("stale", { id: subscription.id });
      return;
    }
    subscription.state = "joining";
    void this.#join(subscription);
  }

  // ── rooms ──

  /** By then other replicas have heard that the room is there. */
  #firstCheckAt(): number {
    return this.#deps.pulse.now() - CHECK_MS + FIRST_CHECK_MS;
  }

  #vanished(room: Room): void {
    if (room.target.kind !== "run") return;
    const error = runNotFound(room.target.runId);
    // Those who have not had a snapshot get it as their answer.
    for (const subscription of room.subscriptions) if (subscription.state === "live") this.#close(subscription, error);
  }

  /** Nobody is owed a run that is gone. */
  #forget(environmentId: number, runId: string): void {
    for (const room of this.#rooms.sets(environmentId))
      for (const subscription of room.subscriptions) subscription.pending.delete(runId);
  }

  #close(subscription: Subscription, error: AppError): void {
    const { socket, id } = subscription;
    this.leave(subscription);
    socket.send("closed", { id, error: { code: error.code, message: error.message } });
  }

  async #checkRuns(rooms: Room[]): Promise<void> {
    const { reads, pulse, metrics } = this.#deps;
    const startedAt = pulse.now();
    const refs = rooms.map(({ environmentId, target }) => ({ environmentId, runId: target.key }));
    const revisions = await reads.revisions(refs);
    const now = pulse.now();
    metrics.queried("revisions", refs.length, now - startedAt);
    for (const room of rooms) {
      room.checkedAt = now;
      const runId = room.target.key;
      const known = room.revisions.get(runId);
      if (known !== undefined && known === revisions.get(room.key)) {
        for (const subscription of room.subscriptions) this.#retry(subscription);
        continue;
      }
      if (known !== undefined) metrics.repaired(1);
      this.#reader.touch({ environmentId: room.environmentId, runId });
    }
  }

  /** One that could not be read for before. */
  #retry(subscription: Subscription): void {
    if (subscription.state === "joining" && subscription.socket.isReady) void this.#join(subscription);
  }
}

const kindOf = ({ target }: Room) => (target.kind === "run" ? "run" : target.set.kind);

const NOTHING: ReadonlyMap<string, number> = new Map();
