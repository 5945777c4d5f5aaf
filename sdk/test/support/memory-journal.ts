import type {
  JournalAppend,
  JournalCompletion,
  JournalRecord,
  JournalSnapshot,
  OpenWait,
} from "../../src/contract/journal.ts";
import type { JournalHost } from "../../src/task/host.ts";

/** What completes a wait: its output, or an error. */
export type Answer = { value?: string; valueType?: string; error?: { name: string; message: string } };

/**
 * A platform's side of one run's journal, in memory. Each process of the run has a host of its own; one that has crashed
 * stores nothing any more, and hears nothing.
 */
export class MemoryJournal {
  readonly records = new Map<number, JournalRecord & { value?: string }>();
  /** Every entry that was stored, in order; one that is stored twice is a fault. */
  readonly appended: JournalAppend[] = [];
  /** What the host was told last; undefined: the run is busy. */
  waiting: { known: number; waits: OpenWait[] } | undefined;
  /** Called with each `waiting`. */
  onWaiting: ((state: { known: number; waits: OpenWait[] } | undefined) => void) | undefined;
  /** Lets an append take its time, or fail. */
  beforeStore: ((entries: JournalAppend[]) => Promise<void> | void) | undefined;
  #seq = 0;
  #live: { deliver: (completions: JournalCompletion[]) => void } | undefined;

  /** A new process of the run: what the last one still does is lost. */
  host(): JournalHost {
    let listener: (completions: JournalCompletion[]) => void = () => {};
    const live = { deliver: (completions: JournalCompletion[]) => listener(completions) };
    this.#live = live;
    this.waiting = undefined;
    return {
      append: async (entries) => {
        await this.beforeStore?.(entries);
        if (this.#live !== live) return new Promise<never>(() => {});
        const completions = entries.flatMap((entry) => this.#store(entry));
        if (completions.length > 0) live.deliver(completions);
      },
      onCompletions: (given) => {
        listener = given;
      },
      waiting: (state) => {
        if (this.#live !== live) return;
        this.waiting = state;
        this.onWaiting?.(state);
      },
    };
  }

  /** The process is gone. */
  crash(): void {
    this.#live = undefined;
    this.waiting = undefined;
  }

  /** What a new process is given; undefined where there is nothing. */
  snapshot(): JournalSnapshot | undefined {
    if (this.records.size === 0) return undefined;
    const entries = [...this.records.values()].sort((a, b) => a.entry - b.entry);
    return structuredClone({ seq: this.#seq, entries });
  }

  /** As a platform does when an attempt failed with `reopen`. */
  reopen(entries: readonly number[]): void {
    for (const entry of entries) this.records.delete(entry);
  }

  /** Completes an open wait. */
  complete(entry: number, answer: Answer = {}): void {
    const record = this.records.get(entry);
    if (!record || record.completion) throw new Error(`No open entry ${entry}`);
    const { error, ...value } = answer;
    record.completion = this.#completion(entry, { ok: error === undefined, ...value, ...(error ? { error } : {}) });
    // It goes on now, whatever it said before.
    this.waiting = undefined;
    this.#live?.deliver([structuredClone(record.completion)]);
  }

  openWaits(): JournalRecord[] {
    return [...this.records.values()].filter(({ completion }) => completion === undefined);
  }

  #store(append: JournalAppend): JournalCompletion[] {
    if (this.records.has(append.entry)) throw new Error(`Entry ${append.entry} was stored twice`);
    this.appended.push(structuredClone(append));
    const { entry, kind, key, label, fingerprint, after, attempt } = append;
    const record: JournalRecord = {
      entry,
      kind,
      key,
      label,
      after,
      attempt,
      ...(fingerprint === undefined ? {} : { fingerprint }),
    };
    this.records.set(entry, record);
    if (append.type === "open") {
      Object.assign(record, idsOf(append));
      return [];
    }
    const { ok, value, valueType, error } = append;
    record.completion = this.#completion(entry, {
      ok,
      ...(value === undefined ? {} : { value }),
      ...(valueType === undefined ? {} : { valueType }),
      ...(error === undefined ? {} : { error }),
    });
    return [structuredClone(record.completion)];
  }

  #completion(entry: number, fields: Omit<JournalCompletion, "entry" | "seq" | "at">): JournalCompletion {
    return { entry, seq: ++this.#seq, at: Date.now(), ...fields };
  }
}

function idsOf(append: JournalAppend & { type: "open" }): Partial<JournalRecord> {
  switch (append.kind) {
    case "time":
      return { dueAt: "at" in append.due ? append.due.at : Date.now() + append.due.inMs };
    case "token":
      return { tokenId: append.tokenId };
    case "child":
      return { childRunId: append.childRunId };
    case "batch":
      return { batchId: append.batchId };
  }
}
