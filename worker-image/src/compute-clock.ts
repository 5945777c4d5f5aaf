/** Node fires a longer timer at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The compute time of one attempt: goes while it computes, stands while it waits, and says when it is used up. */
export class ComputeClock {
  readonly #limitMs: number;
  readonly #onLimit: () => void;
  #spentMs = 0;
  #goingSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number | undefined, onLimit: () => void) {
    this.#limitMs = limitMs ?? Number.POSITIVE_INFINITY;
    this.#onLimit = onLimit;
  }

  get ms(): number {
    return this.#spentMs + (this.#goingSince === undefined ? 0 : performance.now() - this.#goingSince);
  }

  go(): void {
    if (this.#goingSince !== undefined) return;
    this.#goingSince = performance.now();
    this.#look();
  }

  stand(): void {
    this.#spentMs = this.ms;
    this.#goingSince = undefined;
    clearTimeout(this.#timer);
  }

  #look(): void {
    if (this.#limitMs === Number.POSITIVE_INFINITY) return;
    const leftMs = this.#limitMs - this.ms;
    // A timer may fire a fraction of a millisecond early.
    if (leftMs < 1 && this.#timer) return this.#onLimit();
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(0, Math.ceil(leftMs)), MAX_TIMER_MS));
  }
}
