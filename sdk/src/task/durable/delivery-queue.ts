import type { JournalCompletion, JournalRecord } from "../../contract/journal.ts";
import { isSilent, type RecordedCalls } from "./recorded-calls.ts";

/**
 * Completions on their way to the code, in the order of their `seq`.
 *
 * The first is held until its own call and every recorded call that was made before it have come again. A completion
 * whose call was passed over steps aside, and comes forward again with its call.
 */
export class DeliveryQueue {
  readonly #calls: RecordedCalls;
  readonly #hasCall: (entry: number) => boolean;
  readonly #silent = new Set<number>();
  readonly #aside = new Map<number, JournalCompletion>();
  #queue: JournalCompletion[] = [];
  #head = 0;
  #lastSeq = 0;
  /** `seq` of the last completion that was delivered, or that nobody had to be told of. */
  delivered = 0;

  constructor(records: readonly JournalRecord[], calls: RecordedCalls, hasCall: (entry: number) => boolean) {
    this.#calls = calls;
    this.#hasCall = hasCall;
    for (const { entry, kind } of records) if (isSilent(kind)) this.#silent.add(entry);
    const completions = records.flatMap(({ completion }) => (completion ? [completion] : []));
    this.offer(completions.toSorted((a, b) => a.seq - b.seq));
  }

  /** Entries nobody waits for. */
  silence(entry: number): void {
    this.#silent.add(entry);
  }

  offer(completions: readonly JournalCompletion[]): void {
    for (const completion of completions) {
      if (completion.seq <= this.#lastSeq) continue;
      this.#lastSeq = completion.seq;
      this.#queue.push(completion);
    }
  }

  /** Completions up to here are known, also those whose entries are made anew. */
  skipTo(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  /** Its call has come after all. */
  recall(entry: number): void {
    const completion = this.#aside.get(entry);
    if (!completion) return;
    this.#aside.delete(entry);
    const rest = this.#queue.slice(this.#head);
    this.#queue = [...rest, completion].sort((a, b) => a.seq - b.seq);
    this.#head = 0;
  }

  /** The completion to deliver now; undefined: none, or the first is held up. */
  next(): JournalCompletion | undefined {
    for (let first = this.#first(); first; first = this.#first()) {
      if (this.#silent.has(first.entry)) {
        this.#shift(first);
      } else if (this.#calls.blocker(first.seq)) {
        return undefined;
      } else if (this.#hasCall(first.entry)) {
        return this.#shift(first);
      } else {
        this.#aside.set(first.entry, first);
        this.#shift(first);
      }
    }
    return undefined;
  }

  /** The recorded call that holds up the first completion. */
  get blocker(): JournalRecord | undefined {
    const first = this.#first();
    return first && this.#calls.blocker(first.seq);
  }

  /** `seq` of the last completion that came. */
  get received(): number {
    return this.#lastSeq;
  }

  /** Whether something could be delivered if nothing held it up. */
  get hasWaiting(): boolean {
    return this.#queue.some(({ entry }, index) => index >= this.#head && this.#hasCall(entry));
  }

  #first(): JournalCompletion | undefined {
    return this.#queue[this.#head];
  }

  #shift(first: JournalCompletion): JournalCompletion {
    this.#head += 1;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    this.delivered = Math.max(this.delivered, first.seq);
    return first;
  }
}
