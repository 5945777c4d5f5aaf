/**
 * Readings of the clock: the n-th of a run gets the same answer on every replay.
 *
 * They travel in entries of kind `clock`, each with all readings since the one before it. What a later attempt reads
 * replaces what earlier ones read from there on. Most readings are close together, so that differences are kept, and how
 * often each came in a row.
 */
import type { JournalRecord } from "../../contract/journal.ts";

export type ClockKind = "epoch" | "monotonic";

/** `from` is the number of the first reading; then pairs of a difference and how often it came. */
interface Batch {
  from: number;
  first: number;
  pairs: number[];
}

/** Differences are kept to the microsecond. */
const PER_MS = 1000;
/** More than this many pairs are written by themselves. */
export const MAX_PENDING_PAIRS = 20_000;

export class JournalClock {
  readonly #series: Record<ClockKind, Series> = { epoch: new Series(), monotonic: new Series() };

  constructor(records: readonly JournalRecord[], attempt: number) {
    const batches = records.filter(({ kind, completion }) => kind === "clock" && completion?.value !== undefined);
    for (const { completion, attempt: made } of batches.toSorted(
      (a, b) => a.attempt - b.attempt || a.entry - b.entry,
    )) {
      const value = JSON.parse(completion?.value ?? "{}") as Partial<Record<ClockKind, Batch>>;
      for (const kind of ["epoch", "monotonic"] as const)
        if (value[kind]) this.#series[kind].load(value[kind], made === attempt);
    }
  }

  /** `isNew`: no longer as an earlier attempt read it. */
  read(kind: ClockKind, real: () => number, isNew: boolean): number {
    return this.#series[kind].read(real, isNew);
  }

  get pending(): number {
    return this.#series.epoch.pending + this.#series.monotonic.pending;
  }

  /** The readings since the last call, as the value of an entry; undefined: none. */
  take(): string | undefined {
    if (this.pending === 0) return undefined;
    return JSON.stringify({ epoch: this.#series.epoch.take(), monotonic: this.#series.monotonic.take() });
  }
}

class Series {
  #recorded: number[] = [];
  /** Readings of this attempt begin here. */
  #ownFrom = Number.POSITIVE_INFINITY;
  #count = 0;
  #last = 0;
  #batch: Batch | undefined;
  /** A monotonic clock begins anew with each process: what is read goes on where the last process was. */
  #offset: number | undefined;

  get pending(): number {
    return this.#batch === undefined ? 0 : 1 + this.#batch.pairs.length / 2;
  }

  load({ from, first, pairs }: Batch, isOwn: boolean): void {
    if (isOwn) this.#ownFrom = Math.min(this.#ownFrom, from);
    this.#recorded.length = Math.min(this.#recorded.length, from);
    let value = toUnits(first);
    this.#recorded.push(value);
    for (let index = 0; index < pairs.length; index += 2) {
      for (let times = pairs[index + 1] ?? 0; times > 0; times--) this.#recorded.push((value += pairs[index] ?? 0));
    }
  }

  read(real: () => number, isNew: boolean): number {
    const recorded = isNew && this.#count < this.#ownFrom ? undefined : this.#recorded[this.#count];
    const value = recorded ?? this.#readNew(real);
    this.#count += 1;
    this.#last = value;
    return value / PER_MS;
  }

  #readNew(real: () => number): number {
    const now = toUnits(real());
    this.#offset ??= this.#count > 0 ? Math.max(0, this.#last - now) : 0;
    const value = now + this.#offset;
    if (this.#batch) addDifference(this.#batch.pairs, value - this.#last);
    else this.#batch = { from: this.#count, first: value / PER_MS, pairs: [] };
    return value;
  }

  take(): Batch | undefined {
    const batch = this.#batch;
    this.#batch = undefined;
    return batch;
  }
}

function toUnits(ms: number): number {
  return Math.round(ms * PER_MS);
}

function addDifference(pairs: number[], difference: number): void {
  if (pairs.at(-2) === difference) pairs[pairs.length - 1] = (pairs.at(-1) ?? 0) + 1;
  else pairs.push(difference, 1);
}
