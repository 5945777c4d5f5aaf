import { keyOf } from "../runs/live-reads.ts";
import type { RunDetail } from "../runs/run.ts";
import type { RunChanges } from "../runs/run-changes.ts";
import { Room } from "./room.ts";
import { isMember, type LiveTarget } from "./target-policy.ts";

/** All rooms with somebody in them, found by what they show; their environments are watched for as long. */
export class Rooms {
  readonly #changes: Pick<RunChanges, "watch">;
  readonly #byKey = new Map<string, Room>();
  /** Rooms of tags, by one of their tags. */
  readonly #byTag = new Map<string, Set<Room>>();
  /** Of each environment with rooms: how many, how many of them sets, and what ends the watch. */
  readonly #watched = new Map<number, { rooms: number; sets: number; stop: () => void }>();

  constructor(changes: Pick<RunChanges, "watch">) {
    this.#changes = changes;
  }

  [Symbol.iterator](): Iterator<Room> {
    return this.#byKey.values();
  }

  /** Rooms of one environment's sets. */
  *sets(environmentId: number): Generator<Room> {
    if (!this.hasSets(environmentId)) return;
    for (const room of this.#byKey.values())
      if (room.environmentId === environmentId && room.target.kind === "set") yield room;
  }

  hasSets(environmentId: number): boolean {
    return (this.#watched.get(environmentId)?.sets ?? 0) > 0;
  }

  isWatched(environmentId: number): boolean {
    return this.#watched.has(environmentId);
  }

  ofRun(environmentId: number, runId: string): Room | undefined {
    return this.#byKey.get(keyOf({ environmentId, runId }));
  }

  /** Those of the sets that this run is in. */
  setsOf(environmentId: number, run: RunDetail): Set<Room> {
    const rooms = new Set<Room>();
    if (!this.hasSets(environmentId)) return rooms;
    const add = (room: Room | undefined) => {
      if (room?.target.kind === "set" && isMember(room.target.set, run)) rooms.add(room);
    };
    add(this.#byKey.get(keyOf({ environmentId, runId: "environment" })));
    if (run.batchId !== undefined) add(this.#byKey.get(keyOf({ environmentId, runId: run.batchId })));
    for (const tag of run.tags) for (const room of this.#byTag.get(`${environmentId} ${tag}`) ?? []) add(room);
    return rooms;
  }

  /** The target's room, made where there is none. */
  open(environmentId: number, target: LiveTarget, checkedAt: number): Room {
    const key = keyOf({ environmentId, runId: target.key });
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const room = new Room(key, environmentId, target, checkedAt);
    this.#byKey.set(key, room);
    const tag = tagKey(room);
    if (tag !== undefined) this.#byTag.set(tag, (this.#byTag.get(tag) ?? new Set()).add(room));
    const watched = this.#watched.get(environmentId) ?? {
      rooms: 0,
      sets: 0,
      stop: this.#changes.watch(environmentId),
    };
    this.#watched.set(environmentId, watched);
    watched.rooms++;
    if (target.kind === "set") watched.sets++;
    return room;
  }

  /** Its last subscriber has left. */
  drop(room: Room): void {
    this.#byKey.delete(room.key);
    const tag = tagKey(room);
    const rooms = tag === undefined ? undefined : this.#byTag.get(tag);
    rooms?.delete(room);
    if (tag !== undefined && rooms?.size === 0) this.#byTag.delete(tag);
    const watched = this.#watched.get(room.environmentId);
    if (watched === undefined) return;
    watched.rooms--;
    if (room.target.kind === "set") watched.sets--;
    if (watched.rooms > 0) return;
    watched.stop();
    this.#watched.delete(room.environmentId);
  }

  close(): void {
    for (const { stop } of this.#watched.values()) stop();
  }
}

/** Rooms of several tags are found by the first: every member has it. */
function tagKey({ environmentId, target }: Room): string | undefined {
  if (target.kind !== "set" || target.set.kind !== "tag") return undefined;
  return `${environmentId} ${target.set.tags[0]}`;
}
