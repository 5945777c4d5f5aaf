import type { LaneAnnouncement } from "../runs/run-store.ts";

/** What replicas of the platform tell each other. Lost messages cost time, never truth: every receiver has a timer too. */
export type BusMessage =
  /** Lanes of the environment got work or room, where this process does not admit runs itself; no lanes: look again. */
  | { type: "wake"; environmentId: number; lanes?: LaneAnnouncement[] }
  /** The execution's worker is connected to another replica: it is to be told. */
  | { type: "tellWorker"; executionId: string; what: "cancel" | "drop" | "wake"; reason?: string }
  /** Sessions of the user ended, all of them where none is named: what is open for them is verified anew. */
  | { type: "sessions"; userId: string; sessionIds?: string[] }
  /** A version became current, or limits, keys or variables changed: caches of the environment are stale. */
  | { type: "changed"; environmentId: number }
  /** These runs may look different now. Said only of environments that somebody watches. */
  | { type: "touched"; environmentId: number; runIds: string[] }
  /** Streams of these runs have grown. Said only of environments that somebody watches. */
  | { type: "streamed"; environmentId: number; runIds: string[] }
  /** The sender wants to hear of these environments' runs for a while. */
  | { type: "watching"; environmentIds: number[] };

/** Delivers to every other replica, never to the sender. At most once, in no order. */
export interface Bus {
  readonly name: string;
  /** Never rejects: what cannot be sent is dropped, and logged once a minute. */
  publish(message: BusMessage): void;
  subscribe(listener: (message: BusMessage) => void): void;
  /** It was away and is back: what others said meanwhile was not heard here. */
  onBack(listener: () => void): void;
  close(): Promise<void>;
}
