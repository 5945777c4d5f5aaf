import type { JournalRecord } from "../../contract/journal.ts";

/** Hooks and readings of the clock are looked up, not delivered. */
export function isSilent(kind: JournalRecord["kind"]): boolean {
  return kind === "hook" || kind === "clock";
}

/**
 * The calls of earlier passes, and which of them have come again.
 *
 * One that was made before a completion had been delivered must come again before that completion is delivered again:
 * `blocker` names the first that has not. One that is passed over holds nothing up any more, and may still come.
 */
export class RecordedCalls {
  readonly #byIdentity: Map<string, JournalRecord>;
  readonly #byAfter: JournalRecord[];
  readonly #settled = new Set<number>();
  /** Of all records, silent ones too. */
  readonly #entries: readonly number[];
  /** All before it have come or are passed over. */
  #first = 0;

  constructor(records: readonly JournalRecord[]) {
    this.#entries = records.map(({ entry }) => entry);
    const calls = records.filter(({ kind }) => !isSilent(kind));
    this.#byIdentity = new Map(calls.map((record) => [identity(record.kind === "step", record.key), record]));
    this.#byAfter = calls.toSorted((a, b) => a.after - b.after || a.entry - b.entry);
  }

  /** The record of a call that comes again; undefined where it is new. */
  take(isStep: boolean, key: string): JournalRecord | undefined {
    const record = this.#byIdentity.get(identity(isStep, key));
    if (record) this.#settled.add(record.entry);
    return record;
  }

  blocker(seq: number): JournalRecord | undefined {
    for (;;) {
      const record = this.#byAfter[this.#first];
      if (!record || record.after >= seq) return undefined;
      if (!this.#settled.has(record.entry)) return record;
      this.#first += 1;
    }
  }

  countBelow(entry: number): number {
    return this.#entries.filter((recorded) => recorded < entry).length;
  }

  passOver({ entry }: JournalRecord): void {
    this.#settled.add(entry);
  }

  passOverAll(): void {
    this.#first = this.#byAfter.length;
  }
}

function identity(isStep: boolean, key: string): string {
  return `${isStep ? "step" : "other"} ${key}`;
}
