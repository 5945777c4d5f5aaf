/**
 * Notices that a task process's event loop does not turn: it stops answering pings. Synchronous code does that, and while
 * it runs no timer, no I/O and no cancel of the user's works.
 */
export class BlockedLoop {
  readonly #afterMs: number;
  #pingedAt: number | undefined;
  #heardAt: number;
  #isReported = false;
  #number = 0;

  constructor(afterMs: number, now: number) {
    this.#afterMs = afterMs;
    this.#heardAt = now;
  }

  /** Only a pong shows that the loop turns: a log line may come from the middle of a long computation. */
  pong(n: number, now: number): string | undefined {
    if (n !== this.#number || this.#pingedAt === undefined) return undefined;
    const blockedMs = now - this.#pingedAt;
    this.#pingedAt = undefined;
    this.#heardAt = now;
    if (!this.#isReported) return undefined;
    this.#isReported = false;
    return `The event loop turns again; it was blocked for ${seconds(blockedMs)} s.`;
  }

  /** Returns the number of a ping to send now, and what to report. */
  tick(now: number): { ping?: number; report?: string } {
    if (this.#pingedAt === undefined) {
      this.#pingedAt = now;
      return { ping: ++this.#number };
    }
    const blockedMs = now - this.#pingedAt;
    if (this.#isReported || blockedMs < this.#afterMs) return {};
    this.#isReported = true;
    return {
      report: `The event loop has been blocked for ${seconds(blockedMs)} s: synchronous code keeps timers, I/O and cancel from working. Move it to a worker thread, or await between its steps.`,
    };
  }

  get isWaiting(): boolean {
    return this.#pingedAt !== undefined;
  }

  /** How long the loop has been silent, where it owes an answer; else 0. */
  blockedMs(now: number): number {
    return this.#pingedAt === undefined ? 0 : now - this.#heardAt;
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
