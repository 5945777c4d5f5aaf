import { ChunkReader, type StreamPart, type StreamReadOptions, type StreamReference } from "./chunk-reader.ts";
import type { LiveStatus } from "./live-state.ts";

/**
 * Reads one stream of a run for a consumer that takes its chunks one by one. The platform sends on only when they are taken:
 * a slow consumer holds a window of chunks in memory, not the stream.
 *
 * Errors: the platform's, as ApiError; the signal's reason.
 */
export async function* readStreamParts<T>(
  reference: StreamReference,
  options: StreamReadOptions & { signal?: AbortSignal | undefined },
): AsyncGenerator<StreamPart<T>, void> {
  const feed = new StreamFeed<T>(reference, options);
  const leave = feed.subscribe(() => feed.wake());
  const onAbort = () => feed.wake();
  options.signal?.addEventListener("abort", onAbort);
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      const part = feed.shift();
      if (part !== undefined) yield part;
      else if (feed.getSnapshot().connection === "closed") break;
      else await feed.woken();
    }
    const { error } = feed.getSnapshot();
    if (error !== undefined) throw error;
  } finally {
    options.signal?.removeEventListener("abort", onAbort);
    leave();
  }
}

class StreamFeed<T> extends ChunkReader<T, LiveStatus> {
  #queue: StreamPart<T>[] = [];
  #waiting = Promise.withResolvers<void>();
  #drained = Promise.withResolvers<void>();

  constructor(reference: StreamReference, options: StreamReadOptions) {
    super(reference, options, { error: undefined, connection: "connecting", connectionReason: "STARTING" });
  }

  woken(): Promise<void> {
    return this.#waiting.promise;
  }

  wake(): void {
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers();
  }

  shift(): StreamPart<T> | undefined {
    const part = this.#queue.shift();
    if (part !== undefined) this.streamTaken(part.index + 1);
    if (this.#queue.length === 0) {
      this.#drained.resolve();
      this.#drained = Promise.withResolvers();
    }
    return part;
  }

  protected async take(parts: StreamPart<T>[], isEnded: boolean): Promise<void> {
    this.#queue.push(...parts);
    this.wake();
    if (isEnded) this.conclude("ENDED");
    else if (this.#queue.length > 0) await this.#drained.promise;
  }
}
