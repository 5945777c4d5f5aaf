import { ChunkReader, type StreamPart, type StreamReadOptions, type StreamReference } from "./chunk-reader.ts";
import type { LiveStatus } from "./live-state.ts";

export interface StreamSnapshot<T> extends LiveStatus {
  /** In order; the newest `maxParts` of them where that is set. */
  parts: readonly StreamPart<T>[];
  /** Where a reader that comes later goes on; undefined before the first chunk. */
  nextIndex: number | undefined;
  /** No chunk will follow. */
  isEnded: boolean;
}

export interface StreamObserverOptions extends StreamReadOptions {
  /** Keeps so many parts, the newest. Default: all. */
  maxParts?: number | undefined;
}

/** Reads one stream of a run and keeps what came, until it has ended. */
export class StreamObserver<T = unknown> extends ChunkReader<T, StreamSnapshot<T>> {
  readonly #maxParts: number;

  constructor(reference: StreamReference, options: StreamObserverOptions) {
    super(reference, options, {
      parts: [],
      nextIndex: undefined,
      isEnded: false,
      error: undefined,
      connection: "connecting",
      connectionReason: "STARTING",
    });
    this.#maxParts = options.maxParts ?? Number.POSITIVE_INFINITY;
  }

  protected take(parts: StreamPart<T>[], isEnded: boolean): void {
    const last = parts.at(-1);
    if (last !== undefined) {
      const all = [...this.latest.parts, ...parts];
      this.change({
        parts: all.length > this.#maxParts ? all.slice(-this.#maxParts) : all,
        nextIndex: last.index + 1,
      });
      this.streamTaken(last.index + 1);
    }
    if (isEnded) {
      this.change({ isEnded: true });
      this.conclude("ENDED");
    }
  }
}
