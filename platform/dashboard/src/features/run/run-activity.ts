import type { JournalItem, RunEventItem } from "@gantry/sdk";
import { type LogLine, toLogLine } from "./logs/log-model.ts";

export interface ActivitySnapshot {
  /** Everything that the run said, oldest first. */
  lines: readonly LogLine[];
  /** Of these, what is an event: few, where lines may be many. */
  events: readonly RunEventItem[];
  /** In the order of the calls. */
  journal: readonly JournalItem[];
  /** The first look is done. */
  isLoaded: boolean;
  /** Why the last look failed; it is tried again. */
  error: unknown;
}

export interface ActivitySource {
  /** Up to `EVENTS_PAGE` events after a cursor. */
  events(after: string | undefined, signal: AbortSignal): Promise<RunEventItem[]>;
  /** Entries whose number is above `after`, all of them. */
  journal(after: number | undefined, signal: AbortSignal): Promise<JournalItem[]>;
}

export const EVENTS_PAGE = 5000;
const SOON_MS = 600;
const LATEST_MS = 3000;
const FAILED_MS = 5000;
/** The last lines may be stored a moment after the run has ended. */
const LOOKS_AFTER_END = 2;

/**
 * What a run does, as it does it: asks for what is new and no more, soon after something came, seldom while nothing does, at
 * once when it is poked, and not at all once the run has ended.
 */
export class RunActivity {
  readonly #source: ActivitySource;
  readonly #listeners = new Set<() => void>();
  #snapshot: ActivitySnapshot = { lines: [], events: [], journal: [], isLoaded: false, error: undefined };
  #cursor: string | undefined;
  #pauseMs = SOON_MS;
  #looksLeft = Number.POSITIVE_INFINITY;
  #isLooking = false;
  #isPoked = false;
  #attempts = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort = new AbortController();

  constructor(source: ActivitySource) {
    this.#source = source;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      this.#abort = new AbortController();
      void this.#look();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearTimeout(this.#timer);
      this.#abort.abort();
    };
  };

  readonly getSnapshot = (): ActivitySnapshot => this.#snapshot;

  /** Something changed: looks now. With another number of attempts failed steps may have become others. */
  poke(run: { isCompleted: boolean; attemptCount: number }): void {
    if (run.isCompleted) this.#looksLeft = Math.min(this.#looksLeft, LOOKS_AFTER_END);
    if (run.attemptCount !== this.#attempts) this.#isRereading = true;
    this.#attempts = run.attemptCount;
    this.#pauseMs = SOON_MS;
    if (this.#isLooking) this.#isPoked = true;
    else if (this.#listeners.size > 0) this.#schedule(50);
  }
  #isRereading = false;

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#isPoked = false;
    const { signal } = this.#abort;
    try {
      // Both are over before the next look begins: it would read again what one of them is about to add.
      const looks = await Promise.allSettled([this.#readEvents(signal), this.#readJournal(signal)]);
      const [hasLines, hasEntries] = looks.map((look) => {
        if (look.status === "rejected") throw look.reason;
        return look.value;
      });
      this.#pauseMs = hasLines || hasEntries ? SOON_MS : Math.min(this.#pauseMs * 1.5, LATEST_MS);
      if (!this.#snapshot.isLoaded || this.#snapshot.error !== undefined)
        this.#change({ isLoaded: true, error: undefined });
      this.#looksLeft -= 1;
    } catch (error) {
      this.#pauseMs = FAILED_MS;
      if (!signal.aborted) this.#change({ error });
    } finally {
      this.#isLooking = false;
    }
    if (signal.aborted) {
      if (!this.#abort.signal.aborted) void this.#look();
      return;
    }
    if (this.#looksLeft > 0) this.#schedule(this.#isPoked ? 50 : document.hidden ? LATEST_MS * 3 : this.#pauseMs);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), ms);
  }

  async #readEvents(signal: AbortSignal): Promise<boolean> {
    for (let isNew = false; ; isNew = true) {
      const page = await this.#source.events(this.#cursor, signal);
      if (page.length === 0) return isNew;
      this.#cursor = page.at(-1)?.cursor;
      const { lines, events } = this.#snapshot;
      const fresh = page.filter(({ kind }) => kind === "event");
      this.#change({
        lines: [...lines, ...page.map(toLogLine)],
        ...(fresh.length === 0 ? {} : { events: [...events, ...fresh] }),
      });
      if (page.length < EVENTS_PAGE) return true;
    }
  }

  async #readJournal(signal: AbortSignal): Promise<boolean> {
    const { journal } = this.#snapshot;
    const isRereading = this.#isRereading;
    this.#isRereading = false;
    const unsettled = journal.find(({ state }) => state === "OPEN" || (isRereading && state === "FAILED"));
    const first = unsettled?.entry ?? (journal.at(-1)?.entry ?? -1) + 1;
    const fresh = await this.#source.journal(first === 0 ? undefined : first - 1, signal);
    const before = journal.filter(({ entry }) => entry >= first);
    if (JSON.stringify(fresh) === JSON.stringify(before)) return false;
    this.#change({ journal: [...journal.filter(({ entry }) => entry < first), ...fresh] });
    return true;
  }

  #change(patch: Partial<ActivitySnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...patch };
    for (const listener of this.#listeners) listener();
  }
}
