import type { LaneAnnouncement } from "./run-store.ts";

/**
 * What has been committed and not yet looked at by admission, by environment. Announced after every commit, taken by the
 * admission that holds the environment's lock, put back by one that did not get it.
 */
export class Announcements {
  #byEnvironment = new Map<number, Map<string, LaneAnnouncement>>();
  readonly #wake: (environmentId: number) => void;

  constructor(wake: (environmentId: number) => void) {
    this.#wake = wake;
  }

  announce(announcements: Iterable<LaneAnnouncement | undefined>): void {
    for (const announcement of announcements) {
      if (announcement === undefined) continue;
      this.#add(announcement);
      this.#wake(announcement.environmentId);
    }
  }

  /** Something else than a lane changed: a limit, a pause, a worker with room. */
  wake(environmentId: number): void {
    this.#wake(environmentId);
  }

  take(environmentId: number, atMost: number): LaneAnnouncement[] {
    const lanes = this.#byEnvironment.get(environmentId);
    if (lanes === undefined) return [];
    if (lanes.size <= atMost) {
      this.#byEnvironment.delete(environmentId);
      return [...lanes.values()];
    }
    const taken: LaneAnnouncement[] = [];
    for (const [key, announcement] of lanes) {
      taken.push(announcement);
      lanes.delete(key);
      if (taken.length === atMost) break;
    }
    return taken;
  }

  putBack(announcements: LaneAnnouncement[]): void {
    for (const announcement of announcements) this.#add(announcement);
  }

  has(environmentId: number): boolean {
    return this.#byEnvironment.has(environmentId);
  }

  /** A lane announced twice is looked at once, from its earliest run on. */
  #add(announcement: LaneAnnouncement): void {
    let lanes = this.#byEnvironment.get(announcement.environmentId);
    if (lanes === undefined) this.#byEnvironment.set(announcement.environmentId, (lanes = new Map()));
    const known = lanes.get(announcement.laneId);
    if (known?.orderAt !== undefined && (announcement.orderAt === undefined || known.orderAt <= announcement.orderAt))
      return;
    lanes.set(announcement.laneId, announcement);
  }
}
