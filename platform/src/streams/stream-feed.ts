import type { StreamChunk } from "@gantry/sdk/contract";
import type { StreamLook, StreamReading, StreamRef } from "./stream.ts";

/** The newest chunks of a stream that is read are kept up to so many bytes of JSON: those who follow it read them here. */
const TAIL_BYTES = 256 * 1024;

interface FeedDeps {
  read(streamId: string, from: number, maxBytes: number): Promise<StreamChunk[]>;
  /** Nobody reads it any more. */
  onUnused(): void;
}

/**
 * One stream that somebody reads here. Readers who are near its end are served from memory; others read the store by themselves,
 * each at its own pace. Nobody waits for anybody.
 */
export class StreamFeed {
  readonly ref: StreamRef;
  readonly #deps: FeedDeps;
  #look: StreamLook | undefined;
  #isAbsent = false;
  #tail: StreamChunk[] = [];
  #tailBytes = 0;
  #holds = 0;
  #isClosed = false;
  #waiting = new Set<(error?: unknown) => void>();

  constructor(ref: StreamRef, deps: FeedDeps) {
    this.ref = ref;
    this.#deps = deps;
  }

  /** Its readings give nothing more, and do not wait. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  get isAbsent(): boolean {
    return this.#isAbsent;
  }

  /** Keeps it alive. Returns what lets go of it. */
  hold(): () => void {
    this.#holds += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#holds -= 1;
      if (this.#holds === 0) this.#deps.onUnused();
    };
  }

  /** Resolves once it has been looked at. Errors: of the look. */
  async known(): Promise<void> {
    if (this.#look === undefined && !this.#isAbsent) await this.#changed(undefined);
  }

  /** The look failed: who waits for the first one is told; others wait for the next. */
  failed(error: unknown): void {
    if (this.#look === undefined) this.#wake(error);
  }

  /** As it stands now; what is new is read for all who follow it. */
  async saw(look: StreamLook | undefined): Promise<void> {
    const before = this.#look;
    if (look === undefined) {
      this.#isAbsent = before === undefined;
      return this.#wake();
    }
    if (before !== undefined && before.next === look.next && before.isEnded === look.isEnded) return;
    if (before !== undefined && look.streamId !== undefined) {
      const isRead = await this.#follow(look.streamId, before.next, look.next).then(
        () => true,
        () => false,
      );
      // The next look finds it still to be read.
      if (!isRead) return;
    }
    this.#look = look;
    this.#wake();
  }

  /** Reads what is new into the tail; where that is more than the tail holds, readers go to the store for it. */
  async #follow(streamId: string, from: number, to: number): Promise<void> {
    const chunks = await this.#deps.read(streamId, from, TAIL_BYTES);
    const isAll = (chunks.at(-1)?.index ?? -1) >= to - 1;
    if (isAll) {
      for (const chunk of chunks) this.#keep(chunk, to);
    } else {
      this.#tail = [];
      this.#tailBytes = 0;
    }
  }

  #keep(chunk: StreamChunk, to: number): void {
    if (chunk.index >= to) return;
    this.#tail.push(chunk);
    this.#tailBytes += chunk.data.length;
    while (this.#tailBytes > TAIL_BYTES && this.#tail.length > 1) {
      this.#tailBytes -= this.#tail.shift()?.data.length ?? 0;
    }
  }

  reading(from: number | "latest", close: () => void): StreamReading {
    return new FeedReading(this, from === "latest" ? (this.#look?.next ?? 0) : from, close);
  }

  get state(): StreamLook {
    return this.#look ?? { streamId: undefined, next: 0, isEnded: false };
  }

  /** Chunks from `from` on, below the state's `next`. */
  async chunks(from: number, maxBytes: number): Promise<StreamChunk[]> {
    const { streamId, next } = this.state;
    const first = this.#tail[0];
    if (first !== undefined && first.index <= from) return upTo(this.#tail.slice(from - first.index), maxBytes);
    if (streamId === undefined) return [];
    const chunks = await this.#deps.read(streamId, from, maxBytes);
    return chunks.filter(({ index }) => index < next);
  }

  /** Resolves at the next change. Errors: the first look's; the signal's reason. */
  changed(signal: AbortSignal | undefined): Promise<void> {
    return this.#changed(signal);
  }

  #changed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error?: unknown) => {
        this.#waiting.delete(end);
        signal?.removeEventListener("abort", onAbort);
        if (error === undefined) resolve();
        else reject(error as Error);
      };
      const onAbort = () => end();
      this.#waiting.add(end);
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) end();
    });
  }

  #wake(error?: unknown): void {
    for (const end of this.#waiting) end(error);
  }
}

function upTo(chunks: StreamChunk[], maxBytes: number): StreamChunk[] {
  let bytes = 0;
  const end = chunks.findIndex(({ data }) => (bytes += data.length) > maxBytes);
  return end === -1 ? chunks : chunks.slice(0, Math.max(1, end));
}

class FeedReading implements StreamReading {
  readonly #feed: StreamFeed;
  readonly #close: () => void;
  #next: number;

  constructor(feed: StreamFeed, from: number, close: () => void) {
    this.#feed = feed;
    this.#next = from;
    this.#close = close;
  }

  get next(): number {
    return this.#next;
  }

  async read(maxBytes: number, signal?: AbortSignal): Promise<{ chunks: StreamChunk[]; isEnded: boolean }> {
    for (;;) {
      const { next, isEnded } = this.#feed.state;
      if (this.#next < next) {
        const chunks = await this.#feed.chunks(this.#next, maxBytes);
        this.#next += chunks.length;
        if (chunks.length > 0) return { chunks, isEnded: isEnded && this.#next >= next };
      } else if (isEnded) return { chunks: [], isEnded: true };
      if (signal?.aborted || this.#feed.isClosed) return { chunks: [], isEnded: false };
      await this.#feed.changed(signal);
    }
  }

  async readable(signal?: AbortSignal): Promise<void> {
    while (!this.#isReadable() && !signal?.aborted) await this.#feed.changed(signal);
  }

  #isReadable(): boolean {
    const { next, isEnded } = this.#feed.state;
    return this.#next < next || isEnded || this.#feed.isClosed;
  }

  close(): void {
    this.#close();
  }
}
