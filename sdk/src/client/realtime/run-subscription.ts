import { toAsyncIterableStream } from "../iterable-stream.ts";
import type { LiveStatus } from "./live-state.ts";

/** What `runs.subscribeTo…` gives: values as they change, until there can be none. */
export interface RunSubscription<T> extends AsyncIterable<T> {
  /** Ends all iterations. */
  unsubscribe(): void;
  getReader(): ReadableStreamDefaultReader<T>;
}

interface Observable<S> {
  subscribe(listener: () => void): () => void;
  getSnapshot(): S;
}

export interface SubscriptionSource<S, T> {
  /** Anew for each iteration. */
  observe(): Observable<S>;
  /** What is new in a snapshot. `before` is undefined at first. */
  changes(now: S, before: S | undefined): Iterable<T>;
  signal?: AbortSignal | undefined;
}

/**
 * Each iteration watches anew. Who takes his time gets what is true by then: values in between are passed over.
 *
 * Errors: the platform's, as ApiError; the signal's reason.
 */
export function runSubscription<S extends LiveStatus, T>(source: SubscriptionSource<S, T>): RunSubscription<T> {
  const ended = new AbortController();
  const iterate = () => iterateChanges(source, ended.signal);
  return {
    [Symbol.asyncIterator]: iterate,
    unsubscribe: () => ended.abort(),
    getReader: () => toAsyncIterableStream(iterate()).getReader(),
  };
}

async function* iterateChanges<S extends LiveStatus, T>(
  { observe, changes, signal }: SubscriptionSource<S, T>,
  ended: AbortSignal,
): AsyncGenerator<T, void> {
  const observer = observe();
  let news = Promise.withResolvers<void>();
  const wake = () => news.resolve();
  const leave = observer.subscribe(wake);
  for (const each of [signal, ended]) each?.addEventListener("abort", wake);
  try {
    for (let before: S | undefined; ; ) {
      signal?.throwIfAborted();
      if (ended.aborted) return;
      const now = observer.getSnapshot();
      if (now !== before) {
        yield* changes(now, before);
        before = now;
        continue;
      }
      if (now.error !== undefined) throw now.error;
      if (now.connection === "closed") return;
      await news.promise;
      news = Promise.withResolvers();
    }
  } finally {
    for (const each of [signal, ended]) each?.removeEventListener("abort", wake);
    leave();
  }
}
