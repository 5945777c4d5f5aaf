import type { JournalRecord } from "../../contract/journal.ts";
import type { JournalHost } from "../host.ts";
import { inOwnRegion } from "../region.ts";
import type { DeliveryQueue } from "./delivery-queue.ts";
import { realTimers } from "./real-timers.ts";
import type { RecordedCalls } from "./recorded-calls.ts";

/** How long the function may do nothing before a call that it did not make again counts as missing. Milliseconds. */
export interface Patience {
  /** Of an earlier attempt. */
  passOverMs: number;
  /** Of this attempt, where other calls came and the host sees that nothing of the function's own is under way. */
  insteadMs: number;
  /** Of this attempt, where either is not so. */
  silentMs: number;
}

const PATIENCE: Patience = { passOverMs: 20, insteadMs: 1_000, silentMs: 10_000 };
/** Looks that must all find nothing: a process that stood still for a while has not been idle for that while. */
const LOOKS = 5;

export interface BlockedReplayOptions {
  attempt: number;
  journal: JournalHost;
  queue: DeliveryQueue;
  recorded: RecordedCalls;
  /** New calls that wait until the function has come as far as it was. */
  held: ReadonlySet<unknown>;
  passOver: (record: JournalRecord) => void;
  mismatch: (record: JournalRecord) => void;
  patience?: Patience | undefined;
}

/** Decides what becomes of a recorded call that does not come again while completions are held up by it. */
export class BlockedReplay {
  /** The function has ended: what it did not call again it never will. */
  hasEnded = false;
  readonly #options: BlockedReplayOptions;
  readonly #patience: Patience;
  #quietLooks = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: BlockedReplayOptions) {
    this.#options = options;
    this.#patience = options.patience ?? PATIENCE;
  }

  /** The function did something. */
  touch(): void {
    this.#quietLooks = 0;
  }

  /** Call it when nothing can be delivered: looks again later, unless something happens first. */
  look(): void {
    const { blocker } = this.#options.queue;
    const patienceMs = blocker && this.#patienceMs(blocker);
    if (this.#timer !== undefined || patienceMs === undefined) return;
    this.#timer = inOwnRegion(() => realTimers.setTimeout(() => this.#decide(), patienceMs / LOOKS));
    // By itself it keeps no process alive.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** Undefined: it holds nobody up, or only the function itself could tell. */
  #patienceMs(blocker: JournalRecord): number | undefined {
    const { queue, held, journal } = this.#options;
    if (this.#mayPassOver(blocker)) return held.size > 0 || queue.hasWaiting ? this.#patience.passOverMs : undefined;
    if (held.size > 0) return journal.isBusy ? this.#patience.insteadMs : this.#patience.silentMs;
    return journal.isBusy ? this.#patience.silentMs : undefined;
  }

  /** What earlier attempts called need not come again, nor what comes after the function's end. */
  #mayPassOver({ attempt }: JournalRecord): boolean {
    return this.hasEnded || attempt !== this.#options.attempt;
  }

  #decide(): void {
    this.#timer = undefined;
    const { queue, journal, passOver, mismatch } = this.#options;
    const { blocker } = queue;
    if (!blocker || this.#patienceMs(blocker) === undefined) return;
    this.#quietLooks = journal.isBusy?.() && !this.#mayPassOver(blocker) ? 0 : this.#quietLooks + 1;
    if (this.#quietLooks < LOOKS) return this.look();
    if (this.#mayPassOver(blocker)) return passOver(blocker);
    if (this.#isExplained(blocker)) passOver(blocker);
    else mismatch(blocker);
  }

  /**
   * Whether the calls that came can all be some whose entries are missing: they were in flight when a process was lost, or
   * are made anew because an error asked for the same attempt again (RetryAfterError). Then nothing came instead.
   */
  #isExplained({ entry }: JournalRecord): boolean {
    const { recorded, held } = this.#options;
    return held.size > 0 && held.size <= entry - recorded.countBelow(entry);
  }
}
