import type { Grant, JournalAppend, JournalCompletion, OpenWait } from "@gantry/sdk/contract";
import { inOwnRegion, type JournalHost } from "@gantry/sdk/task";
import type { IdleReport } from "./idle-report.ts";
import type { FromTaskProcess, ToTaskProcess } from "./process-messages.ts";
import type { RunnerConnection } from "./runner-connection.ts";

type Message = Extract<FromTaskProcess, { t: "journal" }>;
type Answer = Extract<ToTaskProcess, { t: "completions" }>;

/** One call of `append`, and who waits for it. */
interface Part {
  entries: JournalAppend[];
  resolve: () => void;
  reject: (error: Error) => void;
}

/** Entries and characters of values that share a message: a frame to the platform has 32 MB at most. */
const MESSAGE_ENTRIES = 1000;
const MESSAGE_CHARACTERS = 4 * 1024 * 1024;
/** A value that would fill a frame alone, escaped; the platform's own limit is far below. */
const VALUE_CHARACTERS = 12 * 1024 * 1024;

/**
 * A run's journal, as its task process reaches it: through the runner, over a connection that may be lost and made anew.
 * What has no answer then is sent again, with its number; completions that were lost with it are asked for.
 */
export class AttemptJournal implements JournalHost {
  /** Absent where the process does not watch what the task does. */
  declare isBusy?: () => boolean;
  readonly #connection: RunnerConnection;
  readonly #idle: IdleReport;
  readonly #unanswered = new Map<number, { message: Message; parts: Part[] }>();
  /** Waits that nothing has completed: what they would resume may look as if it could never finish. */
  readonly #open: Set<number>;
  /** Calls of this turn of the event loop. */
  #parts: Part[] = [];
  #next = 0;
  #known: number;
  #listener: ((completions: JournalCompletion[]) => void) | undefined;
  /** Came before anybody listened. */
  #early: JournalCompletion[] = [];
  #hasEnded = false;

  constructor(connection: RunnerConnection, journal: Grant["journal"], idle: IdleReport) {
    const { watch } = idle;
    if (watch) this.isBusy = () => watch.isBusy();
    this.#connection = connection;
    this.#idle = idle;
    this.#known = journal?.seq ?? 0;
    this.#open = new Set(journal?.entries.filter((each) => !each.completion).map(({ entry }) => entry));
    this.#keepAlive();
  }

  append(entries: JournalAppend[]): Promise<void> {
    const tooLong = entries.find((each) => each.type === "done" && (each.value?.length ?? 0) > VALUE_CHARACTERS);
    if (tooLong) return Promise.reject(limitError(tooLong));
    for (const each of entries) if (each.type === "open") this.#open.add(each.entry);
    this.#idle.disturbed();
    return new Promise((resolve, reject) => {
      if (this.#parts.length === 0) inOwnRegion(() => setImmediate(() => this.#sendParts()));
      this.#parts.push({ entries, resolve, reject });
    });
  }

  onCompletions(listener: (completions: JournalCompletion[]) => void): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    if (early.length > 0) listener(early);
  }

  waiting(state: { known: number; waits: OpenWait[] } | undefined): void {
    if (this.#hasEnded) return;
    this.#keepAlive();
    // What was handed over counts as known: the platform has nothing newer to tell.
    this.#idle.set(state && { waits: state.waits, known: () => this.#known });
  }

  /** From the runner. */
  received({ n, completions, error }: Answer): void {
    if (this.#hasEnded) return;
    this.#deliver(completions);
    const answered = n === undefined ? undefined : this.#unanswered.get(n);
    if (!answered || n === undefined) return this.#keepAlive();
    this.#unanswered.delete(n);
    this.#keepAlive();
    if (!error) for (const part of answered.parts) part.resolve();
    // Nothing of the message was stored: each call is to hear of its own entries only.
    else if (answered.parts.length > 1) for (const part of answered.parts) this.#send([part]);
    else for (const part of answered.parts) part.reject(Object.assign(new Error(error.message), { code: error.code }));
  }

  /** After a reconnect: what the runner may not have, or may have told in vain. */
  unsaid(): FromTaskProcess[] {
    if (this.#hasEnded || (this.#next === 0 && this.#open.size === 0)) return [];
    const again = [...this.#unanswered.values()].map(({ message }) => message);
    const ask: Message = { t: "journal", n: this.#next++, known: this.#known, entries: [] };
    return [...again, ask, ...this.#idle.unsaid()];
  }

  end(): void {
    this.#hasEnded = true;
    this.#idle.end();
  }

  #deliver(completions: JournalCompletion[]): void {
    const fresh = completions.filter(({ seq }) => seq > this.#known);
    const last = fresh.at(-1);
    if (!last) return;
    this.#known = last.seq;
    for (const { entry } of fresh) this.#open.delete(entry);
    this.#idle.disturbed({ isNews: true });
    if (this.#listener) this.#listener(fresh);
    else this.#early.push(...fresh);
  }

  #sendParts(): void {
    const parts = this.#parts;
    this.#parts = [];
    if (this.#hasEnded) return;
    let from = 0;
    let entries = 0;
    let characters = 0;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as Part;
      const size = sizeOf(part.entries);
      if (i > from && (entries + part.entries.length > MESSAGE_ENTRIES || characters + size > MESSAGE_CHARACTERS)) {
        this.#send(parts.slice(from, i));
        from = i;
        entries = characters = 0;
      }
      entries += part.entries.length;
      characters += size;
    }
    this.#send(parts.slice(from));
  }

  #send(parts: Part[]): void {
    const n = this.#next++;
    const message: Message = { t: "journal", n, known: this.#known, entries: parts.flatMap((part) => part.entries) };
    this.#unanswered.set(n, { message, parts });
    this.#keepAlive();
    this.#connection.sendIfOpen(message);
  }

  /** While an answer is to come the function is not stalled, even if nothing else could resume it. */
  #keepAlive(): void {
    this.#connection.keepAlive(this.#unanswered.size > 0 || this.#open.size > 0);
  }
}

function sizeOf(entries: JournalAppend[]): number {
  return entries.reduce((sum, each) => sum + (each.type === "done" ? (each.value?.length ?? 0) : 0), 0);
}

function limitError({ label }: JournalAppend): Error {
  const message = `The value of "${label}" is too long for a journal: it has over ${VALUE_CHARACTERS / 1024 / 1024} million characters.`;
  return Object.assign(new Error(message), { code: "JOURNAL_LIMIT" });
}
