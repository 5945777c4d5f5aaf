import { fingerprintOf } from "../../client/fingerprint.ts";
import type { AsyncIterableStream } from "../../client/iterable-stream.ts";
import type { StreamProducer } from "../../client/stream-producer.ts";
import { inOwnRegion } from "../region.ts";
import { LocalBranch } from "./local-branch.ts";
import type { ProducerNames } from "./run-streams.ts";
import { chunkText, producerFor, type StreamTarget, type StreamTargetOptions, streamTarget } from "./stream-target.ts";

export interface PipeStreamOptions extends StreamTargetOptions {
  /** Stops reading the source; what was read is stored. */
  signal?: AbortSignal | undefined;
  /** The stream ends with the source; else with its run, and others may still write to it. Default false. */
  end?: boolean | undefined;
  /** Of Trigger.dev; nothing is made of them. */
  spanName?: string | undefined;
  collapsed?: boolean | undefined;
}

export interface StreamWriteResult {
  lastEventId?: string;
}

export interface PipeStreamResult<T> {
  /** What the source yields, for the code that pipes it: from the first value on, kept until it is read. */
  stream: AsyncIterableStream<T>;
  /** Resolves when the source has ended and all of it is stored. A run waits for that by itself before it ends. */
  waitUntilComplete: () => Promise<StreamWriteResult>;
}

export type StreamSource<T> = AsyncIterable<T> | ReadableStream<T>;

/** What an LLM yields in this time goes to the platform together. */
const GAP_MS = 25;

/** See `streams.pipe`. */
export function pipeTo<T>(
  what: string,
  stream: string,
  source: StreamSource<T>,
  options: PipeStreamOptions = {},
): PipeStreamResult<T> {
  const target = streamTarget(what, stream, options);
  const names: ProducerNames = target.scope?.streams.pipeNames(streamId(target)) ?? [outsideName()];
  const pump = new Pump(
    source,
    target,
    inOwnRegion(() => producerFor(target, names, GAP_MS)),
    options,
  );
  const { stored } = pump;
  target.scope?.streams.add({
    label: stream,
    hasUnsent: () => pump.producer.hasUnsent,
    flush: () => pump.producer.flush(),
    stored,
    stop: (reason) => pump.stop(reason),
  });
  // Who does not await it is told by the run's log.
  stored.catch(() => undefined);
  return { stream: pump.local.stream, waitUntilComplete: () => stored.then(() => ({})) };
}

export function streamId({ runId, stream }: Pick<StreamTarget, "runId" | "stream">): string {
  return `${runId}/${stream}`;
}

/** Outside of runs nothing runs again. */
export function outsideName(): string {
  return `client:${fingerprintOf(crypto.randomUUID())}`;
}

/**
 * Reads a source into a stream and into its local branch. The source is read in the caller's region, since what it does is the
 * caller's doing; what is sent is ours.
 */
class Pump<T> {
  readonly local = new LocalBranch<T>();
  readonly producer: StreamProducer;
  readonly stored: Promise<void>;
  readonly #target: StreamTarget;
  readonly #over = new AbortController();
  readonly #iterator: AsyncIterator<T>;

  constructor(source: StreamSource<T>, target: StreamTarget, producer: StreamProducer, options: PipeStreamOptions) {
    this.#target = target;
    this.producer = producer;
    this.#iterator = iteratorOf(source);
    const { signal, end = false } = options;
    if (signal?.aborted) this.#over.abort(signal.reason);
    signal?.addEventListener("abort", () => this.#over.abort(signal.reason), { once: true });
    this.stored = this.#run(end);
  }

  stop(reason: unknown): void {
    this.#over.abort(reason);
  }

  async #run(ends: boolean): Promise<void> {
    try {
      for (let next = await this.#next(); next !== undefined; next = await this.#next()) {
        this.local.push(next.value);
        const text = chunkText(this.#target.stream, next.value);
        await inOwnRegion(() => this.producer.write(text));
      }
      this.local.close();
      await inOwnRegion(() => (ends ? this.producer.end() : this.producer.flush()));
    } catch (error) {
      if (!this.local.isOver) void this.#goOnLocally();
      throw error;
    }
  }

  /** Undefined: the source has ended, or is read no more. */
  async #next(): Promise<{ value: T } | undefined> {
    const { signal } = this.#over;
    if (signal.aborted) return this.#leave();
    const aborted = Promise.withResolvers<undefined>();
    const onAbort = () => aborted.resolve(undefined);
    signal.addEventListener("abort", onAbort);
    try {
      const next = await Promise.race([this.#iterator.next(), aborted.promise]);
      if (next === undefined) return this.#leave();
      return next.done ? undefined : { value: next.value };
    } catch (error) {
      this.local.fail(error);
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** A source that hangs may never answer: nobody waits for it. */
  #leave(): undefined {
    void Promise.resolve(this.#iterator.return?.()).catch(() => undefined);
    return undefined;
  }

  /** The platform takes no more of it; the code that pipes still gets its values, as it reads them. */
  async #goOnLocally(): Promise<void> {
    try {
      for (;;) {
        await this.local.wanted();
        if (this.local.isOver) return void this.#leave();
        const next = await this.#next();
        if (next === undefined) return this.local.close();
        this.local.push(next.value);
      }
    } catch (error) {
      this.local.fail(error);
    }
  }
}

function iteratorOf<T>(source: StreamSource<T>): AsyncIterator<T> {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  if ("getReader" in source) return readerIterator(source);
  throw new TypeError("A stream is piped from an AsyncIterable or a ReadableStream.");
}

function readerIterator<T>(source: ReadableStream<T>): AsyncIterator<T> {
  const reader = source.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<T>>,
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}
