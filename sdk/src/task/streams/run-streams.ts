import { fingerprintOf } from "../../client/fingerprint.ts";
import type { StreamProducer } from "../../client/stream-producer.ts";
import { currentRegion, inOwnRegion } from "../region.ts";

/** How long the end of a run waits for sources that have not ended. */
const SETTLE_MS = 60_000;
/** And then for what was read to be stored. */
const FLUSH_MS = 10_000;

/** Who writes, for the platform: the same again where the same code runs again. See stream-producer.ts. */
export type ProducerNames = readonly [string, ...string[]];

export interface Writing {
  /** For people: the stream. */
  label: string;
  /** Whether something that was written is not stored yet. */
  hasUnsent(): boolean;
  /** Resolves when what was written so far is stored. */
  flush(): Promise<void>;
  /** Settles when its source has ended and all of it is stored. */
  stored: Promise<unknown>;
  /** Stops reading its source. */
  stop(reason: unknown): void;
}

/** What one attempt of a run writes to streams, and what it hears on input streams. The scope's `streams`. */
export class RunStreams {
  readonly #runId: string;
  readonly #attempt: number;
  readonly #warn: (message: string, error: unknown) => void;
  readonly #counts = new Map<string, number>();
  readonly #writings = new Set<Writing>();
  readonly #appenders = new Map<string, StreamProducer>();
  readonly #listeners = new Set<() => void>();
  /** The newest message of each input stream that this process has seen. */
  readonly #seen = new Map<string, { index: number; data: unknown }>();

  constructor(options: { runId: string; attempt: number; warn: (message: string, error: unknown) => void }) {
    this.#runId = options.runId;
    this.#attempt = options.attempt;
    this.#warn = options.warn;
  }

  /**
   * The names of the calling code's next pipe into a stream. Steps count apart, each and each try of it: those that are done are not
   * run again, and must not shift the others' numbers.
   */
  pipeNames(stream: string): ProducerNames {
    const { place, tries } = placeOfCaller();
    const counter = `${place} ${tries} ${stream}`;
    const ordinal = this.#counts.get(counter) ?? 0;
    this.#counts.set(counter, ordinal + 1);
    return this.#names(`${place}pipe${ordinal}`);
  }

  /** One producer for all single chunks that one place appends to a stream. */
  appender(stream: string, make: (names: ProducerNames) => StreamProducer): StreamProducer {
    const { place, tries } = placeOfCaller();
    const key = `${place} ${tries} ${stream}`;
    const known = this.#appenders.get(key);
    if (known !== undefined) return known;
    const made = make(this.#names(`${place}append`));
    this.#appenders.set(key, made);
    return made;
  }

  #names(name: string): ProducerNames {
    const base = `${this.#runId}:${name}`;
    const unique = inOwnRegion(() => crypto.randomUUID());
    return [base, `${base}@${this.#attempt}`, `${base}@${this.#attempt}:${unique}`];
  }

  /** What fails of it is told in the run's log, whether or not somebody awaits it. */
  add(writing: Writing): void {
    this.#writings.add(writing);
    writing.stored.then(
      () => this.#writings.delete(writing),
      (error: unknown) => {
        this.#writings.delete(writing);
        this.#warn(`The stream "${writing.label}" was not stored whole`, error);
      },
    );
  }

  get hasUnsent(): boolean {
    return [...this.#writings].some((writing) => writing.hasUnsent()) || this.#openAppenders().length > 0;
  }

  /** Resolves when all that was written so far is stored, or cannot be. */
  async flush(): Promise<void> {
    await Promise.allSettled([
      ...[...this.#writings].map((writing) => writing.flush()),
      ...this.#openAppenders().map((producer) => producer.flush()),
    ]);
  }

  #openAppenders(): StreamProducer[] {
    return [...this.#appenders.values()].filter(({ hasUnsent }) => hasUnsent);
  }

  /** The function has ended: resolves when its sources have ended too and all is stored, after a minute, or soon after a cancel. */
  async settle(signal: AbortSignal): Promise<void> {
    this.#stopListening();
    if (this.#writings.size === 0 && !this.hasUnsent) return;
    await within(SETTLE_MS, Promise.allSettled([...this.#writings].map(({ stored }) => stored)), signal);
    const reason = new Error(`The run has ended, and the source had not ended ${SETTLE_MS / 1000} s later.`);
    await this.#stop(reason);
  }

  /** The function has failed: what was written is stored, no source is read any more. */
  async abandon(reason: unknown): Promise<void> {
    this.#stopListening();
    await this.#stop(reason);
  }

  async #stop(reason: unknown): Promise<void> {
    for (const writing of this.#writings) writing.stop(reason);
    if (this.hasUnsent) await within(FLUSH_MS, this.flush());
  }

  /** Ends with the attempt. Returns what forgets it. */
  listening(stop: () => void): () => void {
    this.#listeners.add(stop);
    return () => void this.#listeners.delete(stop);
  }

  #stopListening(): void {
    for (const stop of this.#listeners) stop();
    this.#listeners.clear();
  }

  saw(stream: string, index: number, data: unknown): void {
    const known = this.#seen.get(stream);
    if (known === undefined || known.index < index) this.#seen.set(stream, { index, data });
  }

  peek(stream: string): unknown {
    return this.#seen.get(stream)?.data;
  }
}

async function within(ms: number, work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = inOwnRegion(() => setTimeout(late.resolve, ms));
  if (signal?.aborted) late.resolve();
  signal?.addEventListener("abort", () => late.resolve(), { once: true });
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}

function placeOfCaller(): { place: string; tries: number } {
  const region = currentRegion();
  if (region?.kind !== "step") return { place: "", tries: 0 };
  return { place: `${fingerprintOf(region.key ?? region.name)}:`, tries: region.tries ?? 0 };
}
