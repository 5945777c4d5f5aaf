import type { JournalCompletion, JournalSnapshot } from "@gantry/sdk/contract";
import type { Reply, Request } from "./platform-link.ts";
import type { FromTaskProcess, ToTaskProcess } from "./process-messages.ts";

export interface JournalRelayOptions {
  ref: { executionId: string; fence: string };
  /** As the attempt was granted it. */
  journal: JournalSnapshot | undefined;
  /** The last completion that a process knows which was brought back; undefined: all of `journal`. */
  known?: number | undefined;
  request(request: Request): Promise<Reply>;
  toProcess(message: ToTaskProcess): void;
  /** The run has its slot. Called before what came with it is handed to the process. */
  onRunning(completions: JournalCompletion[]): void;
  onFenced(): void;
}

/**
 * The journal between one attempt's process and the platform. Nothing is kept here: what the process says again after a
 * reconnect is asked of the platform again, which stores it once.
 *
 * What comes while the run has no slot is not handed on, and the calls it answers are answered when the run has one again.
 */
export class JournalRelay {
  readonly #options: JournalRelayOptions;
  /** Numbers of the process's messages that have no answer. */
  readonly #asked = new Set<number>();
  /** Those of them that are stored, and wait for the run's slot. */
  #deferred: number[] = [];
  #known: number;
  #isUsed: boolean;
  #isAsking = false;
  #asksAgain = false;
  #isOver = false;

  constructor(options: JournalRelayOptions) {
    this.#options = options;
    this.#known = options.known ?? options.journal?.seq ?? 0;
    this.#isUsed = options.journal !== undefined || options.known !== undefined;
  }

  /** The last completion that was handed to the process; undefined while the run has no journal. */
  get known(): number | undefined {
    return this.#isUsed ? this.#known : undefined;
  }

  relay({ n, known, entries }: Extract<FromTaskProcess, { t: "journal" }>): void {
    this.#isUsed = true;
    if (this.#asked.has(n)) return;
    this.#asked.add(n);
    void this.#request(known, entries).then((reply) => this.#replied(reply, n));
  }

  /** Asks for what is new: there may be something, or the run may have its slot again. */
  ask(): void {
    this.#isUsed = true;
    if (this.#isAsking) {
      this.#asksAgain = true;
      return;
    }
    this.#isAsking = true;
    this.#asksAgain = false;
    void this.#request(this.#known, []).then((reply) => {
      this.#isAsking = false;
      this.#replied(reply, undefined);
      if (this.#asksAgain && !this.#isOver) this.ask();
    });
  }

  /** Hands completions to the process, and answers what waited for the slot. */
  deliver(completions: JournalCompletion[], ...answered: number[]): void {
    const numbers = [...this.#deferred, ...answered];
    this.#deferred = [];
    this.#known = Math.max(this.#known, completions.at(-1)?.seq ?? 0);
    const { executionId } = this.#options.ref;
    const { toProcess } = this.#options;
    for (const n of numbers) this.#asked.delete(n);
    const [first, ...rest] = numbers;
    if (first !== undefined) toProcess({ t: "completions", executionId, n: first, completions });
    else if (completions.length > 0) toProcess({ t: "completions", executionId, completions });
    for (const n of rest) toProcess({ t: "completions", executionId, n, completions: [] });
  }

  /** To a process that was brought back: what was completed meanwhile, as far as it was granted with it. */
  deliverGranted(): void {
    const completions = (this.#options.journal?.entries ?? []).flatMap(({ completion }) => completion ?? []);
    const news = completions.filter(({ seq }) => seq > this.#known).sort((a, b) => a.seq - b.seq);
    if (news.length > 0) this.deliver(news);
  }

  /** The attempt has ended: what is still to come concerns nobody. */
  end(): void {
    this.#isOver = true;
  }

  #request(known: number, entries: Extract<FromTaskProcess, { t: "journal" }>["entries"]): Promise<Reply> {
    return this.#options.request({ type: "journal", ...this.#options.ref, known, entries });
  }

  #replied({ journal, error }: Reply, n: number | undefined): void {
    if (this.#isOver) return;
    if (!journal) return this.#refused(error ?? { code: "INTERNAL", message: "The platform did not answer." }, n);
    if (journal.state === "PARKED") {
      if (n !== undefined) this.#deferred.push(n);
      return;
    }
    this.#options.onRunning(journal.completions);
    this.deliver(journal.completions, ...(n === undefined ? [] : [n]));
  }

  #refused({ code, message }: { code: string; message: string }, n: number | undefined): void {
    if (code === "EXECUTION_FENCED") return this.#options.onFenced();
    if (n === undefined) return;
    this.#asked.delete(n);
    const { executionId } = this.#options.ref;
    this.#options.toProcess({ t: "completions", executionId, n, completions: [], error: { code, message } });
  }
}
