import type { Grant } from "@gantry/sdk/contract";
import { ComputeClock } from "./compute-clock.ts";
import { JournalRelay } from "./journal-relay.ts";
import { type Note, Parking, type ProcessStore, type Said } from "./parking.ts";
import type { Reply, Request } from "./platform-link.ts";
import type { FromTaskProcess, ToTaskProcess } from "./process-messages.ts";

export interface AttemptWaitsOptions {
  grant: Grant;
  said: Said;
  request(request: Request): Promise<Reply>;
  toProcess(message: ToTaskProcess): void;
  store: ProcessStore | undefined;
  beforeLeaving(): Promise<void>;
  onParked(isParked: boolean): void;
  onStays(): void;
  /** The execution is someone else's, or nobody's: its process is of no use any more. */
  onOver(): void;
  /** Its compute time is used up. */
  onOutOfTime(): void;
  note: Note;
}

/** What one attempt in a process has of being durable: its journal, its compute time without waits, its parking. */
export class AttemptWaits {
  readonly #clock: ComputeClock;
  readonly #journal: JournalRelay;
  readonly #parking: Parking;
  #isStarted = false;
  /** The platform said that there is something new. */
  #hasNews = false;

  constructor(options: AttemptWaitsOptions) {
    const { grant, request, toProcess, store, beforeLeaving, onParked, onStays, onOver, note } = options;
    const ref = { executionId: grant.executionId, fence: grant.fence };
    this.#clock = new ComputeClock(grant.remainingComputeMs, options.onOutOfTime);
    this.#journal = new JournalRelay({
      ref,
      journal: grant.journal,
      known: grant.restore?.known,
      request,
      toProcess,
      onRunning: (completions) => this.#parking.resumed(completions),
      onFenced: onOver,
    });
    const { attempt, checkpoint } = grant;
    const parking = {
      ref,
      attempt,
      checkpoint,
      request,
      store,
      beforeLeaving,
      onParked,
      onStays,
      note,
      computeMs: () => this.#clock.ms,
      onIdle: (isIdle: boolean) => (isIdle ? this.#clock.stand() : this.#clock.go()),
      onNews: this.#journal.deliver.bind(this.#journal),
      onSuspended: onOver,
      onFenced: onOver,
    };
    this.#parking = new Parking(parking, options.said);
  }
  /** Compute time so far, in milliseconds. */
  get computeMs(): number {
    return this.#clock.ms;
  }

  /** The last completion that its process was told; undefined while the run has no journal. */
  get known(): number | undefined {
    return this.#journal.known;
  }

  /** A process has the attempt. */
  start(): void {
    this.#isStarted = true;
    this.#clock.go();
    if (this.#hasNews) this.#journal.ask();
  }

  /** Its process was brought back, and has heard who it is now. */
  backInTouch(): void {
    this.#journal.deliverGranted();
  }

  /** False: the message is about something else. */
  received(message: FromTaskProcess): boolean {
    if (message.t === "journal") this.#journal.relay(message);
    else if (message.t === "waiting") this.#parking.waiting(message, this.#journal.known ?? 0);
    else if (message.t === "busy") this.#parking.busy();
    else return false;
    return true;
  }

  /** There may be completions that it does not know, or its run has its slot again. */
  news(): void {
    this.#hasNews = true;
    if (this.#isStarted) this.#journal.ask();
  }

  /** True where the process is about to leave, and should not be disturbed. */
  drain(): boolean {
    this.#parking.drain();
    return this.#parking.isLeaving;
  }

  cancel(): void {
    this.#parking.cancel();
  }

  end(): void {
    this.#isStarted = false;
    this.#clock.stand();
    this.#journal.end();
    this.#parking.end();
  }
}
