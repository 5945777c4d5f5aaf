import type { RunChanges } from "../runs/run-changes.ts";
import type { StreamLook, StreamReading, StreamRef } from "./stream.ts";
import { StreamFeed } from "./stream-feed.ts";
import type { StreamHints } from "./stream-hints.ts";
import type { StreamStore } from "./stream-store.ts";

/** Feeds that one look asks for. */
const LOOK_SIZE = 2000;
/** Between two looks, however many hints come: what streams hundreds of times a second is read some fifty times. */
const LOOK_GAP_MS = 20;

export interface StreamFeedsDeps {
  store: Pick<StreamStore, "look" | "read">;
  changes: Pick<RunChanges, "watch" | "onTouched" | "onLost">;
  hints: Pick<StreamHints, "onStreamed">;
  /** Milliseconds; default 20. */
  lookGapMs?: number;
}

/**
 * The streams that somebody reads here, one feed for each however many read it. Hints say which may have grown; all are looked at
 * every few seconds whatever was said (loops/stream-loop.ts), so a lost hint costs seconds. One look is one statement, and one at a
 * time is under way: what is asked for meanwhile goes with the next.
 */
export class StreamFeeds {
  readonly #deps: StreamFeedsDeps;
  readonly #feeds = new Map<string, StreamFeed>();
  readonly #byRun = new Map<string, Set<StreamFeed>>();
  readonly #dirty = new Set<StreamFeed>();
  #isLooking = false;
  #looked: Promise<void> = Promise.resolve();

  constructor(deps: StreamFeedsDeps) {
    this.#deps = deps;
    deps.hints.onStreamed((runIds) => this.#ofRuns(runIds));
    // A run's end ends its streams.
    deps.changes.onTouched((_environmentId, runIds) => this.#ofRuns(runIds));
    deps.changes.onLost(() => void this.lookAtAll());
  }

  /** How many streams are read here. */
  get size(): number {
    return this.#feeds.size;
  }

  /** Undefined: there is no such run. Errors: STORE_UNAVAILABLE. */
  async open(ref: StreamRef, publicRunId: string, from: number | "latest"): Promise<StreamReading | undefined> {
    const key = [ref.environmentId, ref.runId, ref.direction, ref.name].join("/");
    const feed = this.#feeds.get(key) ?? this.#make(key, ref, publicRunId);
    // Held before the first look: a feed that nobody holds is forgotten.
    const hold = feed.hold();
    try {
      this.#look([feed]);
      await feed.known();
    } catch (error) {
      hold();
      throw error;
    }
    if (feed.isAbsent) {
      hold();
      return undefined;
    }
    return feed.reading(from, hold);
  }

  /** Resolves when the look has been answered. */
  async lookAtAll(): Promise<void> {
    this.#look([...this.#feeds.values()]);
    await this.#looked;
  }

  #make(key: string, ref: StreamRef, publicRunId: string): StreamFeed {
    const endWatch = this.#deps.changes.watch(ref.environmentId);
    const feed = new StreamFeed(ref, {
      read: (streamId, from, maxBytes) => this.#deps.store.read(streamId, from, maxBytes),
      onUnused: () => {
        this.#feeds.delete(key);
        this.#dirty.delete(feed);
        const others = this.#byRun.get(publicRunId);
        others?.delete(feed);
        if (others?.size === 0) this.#byRun.delete(publicRunId);
        endWatch();
      },
    });
    this.#feeds.set(key, feed);
    const ofRun = this.#byRun.get(publicRunId) ?? new Set();
    this.#byRun.set(publicRunId, ofRun.add(feed));
    return feed;
  }

  #ofRuns(runIds: readonly string[]): void {
    for (const runId of runIds) {
      const feeds = this.#byRun.get(runId);
      if (feeds !== undefined) this.#look(feeds);
    }
  }

  #look(feeds: Iterable<StreamFeed>): void {
    for (const feed of feeds) this.#dirty.add(feed);
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#looked = this.#lookUntilDone();
  }

  /** All readings end: the process is about to. */
  close(): void {
    for (const feed of this.#feeds.values()) feed.close();
  }

  async #lookUntilDone(): Promise<void> {
    const { lookGapMs = LOOK_GAP_MS } = this.#deps;
    while (this.#dirty.size > 0) {
      // Hints of one turn of the event loop share a look.
      await Promise.resolve();
      const feeds = [...this.#dirty].slice(0, LOOK_SIZE);
      for (const feed of feeds) this.#dirty.delete(feed);
      let looks: (StreamLook | undefined)[];
      try {
        looks = await this.#deps.store.look(feeds.map(({ ref }) => ref));
      } catch (error) {
        for (const feed of feeds) feed.failed(error);
        continue;
      }
      await Promise.all(feeds.map((feed, index) => feed.saw(looks[index])));
      await new Promise((resolve) => setTimeout(resolve, lookGapMs));
    }
    this.#isLooking = false;
  }
}
