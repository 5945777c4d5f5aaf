import type { AppendStreamReply } from "../contract/api/streams.ts";
import { ApiError } from "./api-error.ts";
import type { StreamAppend } from "./stream-requests.ts";

/** Chunks, and JSON characters, that wait at most before whoever writes more has to wait. */
const BUFFER_CHUNKS = 1000;
const BUFFER_CHARACTERS = 64 * 1024;
/** Chunks, and JSON characters, of one request; a chunk that is longer goes alone. */
const REQUEST_CHUNKS = 500;
const REQUEST_CHARACTERS = 128 * 1024;

export interface StreamProducerOptions {
  append(request: StreamAppend): Promise<AppendStreamReply>;
  /** What it writes as; the next of them where what is stored under one is not what comes now. */
  names: readonly [string, ...string[]];
  attempt?: number | undefined;
  /** Least time between two requests, so that what comes meanwhile goes together; 0: none. Milliseconds. */
  gapMs: number;
}

/**
 * Writes chunks to one stream, in order, each once: one request at a time, of what has gathered meanwhile. It holds a bounded
 * buffer; `write` resolves when there is room for more, so that who awaits it reads its source no faster than the platform stores.
 *
 * The platform knows how many chunks were stored under each name. Where code runs again (a retry, another process) and yields the
 * same chunks, nothing is stored twice and what is new follows; where it yields others, all of them are written under the next name.
 */
export class StreamProducer {
  readonly #options: StreamProducerOptions;
  /** JSON texts that are not stored yet. */
  #queue: string[] = [];
  #characters = 0;
  #name = 0;
  /** How many were stored, or found stored. */
  #sequence = 0;
  /** All that were found stored under this name so far; undefined once the platform has no more of them. */
  #found: string[] | undefined = [];
  #ends = false;
  #failure: { error: unknown } | undefined;
  #sending: Promise<void> | undefined;
  #waiting: { isDone: () => boolean; resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(options: StreamProducerOptions) {
    this.#options = options;
  }

  get hasUnsent(): boolean {
    return this.#failure === undefined && (this.#queue.length > 0 || this.#sending !== undefined);
  }

  /** Resolves when there is room for more. Errors: of the platform; from then on nothing is written. */
  write(chunk: string): Promise<void> {
    if (this.#failure === undefined) {
      this.#queue.push(chunk);
      this.#characters += chunk.length;
      this.#send();
    }
    return this.#until(() => this.#queue.length < BUFFER_CHUNKS && this.#characters < BUFFER_CHARACTERS);
  }

  /** Resolves when all that was written is stored. */
  flush(): Promise<void> {
    return this.#until(() => this.#queue.length === 0 && this.#sending === undefined);
  }

  /** Ends the stream after what was written. */
  async end(): Promise<void> {
    await this.flush();
    this.#ends = true;
    this.#send();
    await this.flush();
  }

  #until(isDone: () => boolean): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (isDone()) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ isDone, resolve, reject }));
  }

  #settle(): void {
    const { error } = this.#failure ?? {};
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) {
      if (this.#failure !== undefined) each.reject(error);
      else if (each.isDone()) each.resolve();
      else this.#waiting.push(each);
    }
  }

  #send(): void {
    this.#sending ??= this.#sendAll().then(
      () => this.#sent(),
      (error: unknown) => {
        this.#failure = { error };
        this.#queue = [];
        this.#sent();
      },
    );
  }

  #sent(): void {
    this.#sending = undefined;
    this.#settle();
  }

  async #sendAll(): Promise<void> {
    // What is written in one turn goes together.
    await Promise.resolve();
    while (this.#queue.length > 0 || this.#ends) {
      const startedAt = performance.now();
      await this.#sendSome();
      const restMs = this.#options.gapMs - (performance.now() - startedAt);
      this.#settle();
      if (this.#queue.length === 0 && !this.#ends) return;
      if (restMs > 0 && this.#queue.length < REQUEST_CHUNKS) await new Promise((over) => setTimeout(over, restMs));
    }
  }

  async #sendSome(): Promise<void> {
    const { append, names, attempt } = this.#options;
    const chunks = this.#queue.slice(0, this.#requestSize());
    const producer = names[this.#name] as string;
    const end = this.#ends && chunks.length === this.#queue.length;
    try {
      const request = { producer, sequence: this.#sequence, chunks, ...(end && { end }), ...(attempt && { attempt }) };
      const { sequence } = await append(request);
      this.#stored(chunks, sequence);
      if (end) this.#ends = false;
    } catch (error) {
      if (!isDiverged(error) || this.#found === undefined || this.#name === names.length - 1) throw error;
      this.#beginAnew(this.#found);
    }
  }

  #stored(chunks: string[], known: number): void {
    this.#queue.splice(0, chunks.length);
    for (const { length } of chunks) this.#characters -= length;
    this.#sequence += chunks.length;
    if (known > this.#sequence) this.#found?.push(...chunks);
    else this.#found = undefined;
  }

  #beginAnew(found: string[]): void {
    this.#name += 1;
    this.#sequence = 0;
    this.#found = [];
    this.#queue.unshift(...found);
    for (const { length } of found) this.#characters += length;
  }

  #requestSize(): number {
    let characters = 0;
    const over = this.#queue.findIndex(({ length }) => (characters += length) > REQUEST_CHARACTERS);
    return Math.min(REQUEST_CHUNKS, over === -1 ? this.#queue.length : Math.max(1, over));
  }
}

function isDiverged(error: unknown): boolean {
  return error instanceof ApiError && error.code === "STREAM_DIVERGED";
}
