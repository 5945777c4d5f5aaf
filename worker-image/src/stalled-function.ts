import { getEventListeners } from "node:events";
import { inOwnRegion } from "@gantry/sdk/task";

/** A look may be this late and still count as the next one. */
const SLACK_MS = 25;
/** The SDK's own listener on the signal, while the function runs. */
const SDK_LISTENERS = 1;

/**
 * Finds out that a function can never finish: nothing is left in the process that could resume it.
 *
 * While a function runs, nothing of ours keeps the event loop alive (the socket to the runner is unreferenced), so Node
 * emits `beforeExit` exactly when no timer, socket, child, worker or pending I/O of the user's is left: Node itself would
 * exit here. Only what the user unreferenced on purpose, and a listener on one of the signals, could still resume it; hence
 * the first gets `afterMs` to do so, and with the second we say nothing. While an entry of the run's journal is open or on
 * its way, attempt-journal.ts references the socket: the platform will resume the function.
 */
export class StalledFunction {
  readonly #afterMs: number;
  readonly #onStalled: () => void;
  #watched: AbortSignal | undefined;
  #drain: AbortSignal | undefined;
  #emptySince = 0;
  /** When the loop should be empty again, if nothing else happens meanwhile. */
  #expectedAt = 0;

  constructor(afterMs: number, onStalled: () => void) {
    this.#afterMs = afterMs;
    this.#onStalled = onStalled;
    if (afterMs > 0) process.on("beforeExit", () => this.#check());
  }

  watch(signal: AbortSignal, drain: AbortSignal): void {
    this.#watched = signal;
    this.#drain = drain;
    this.#emptySince = 0;
  }

  stop(): void {
    this.#watched = undefined;
  }

  #isListenedTo(signal: AbortSignal): boolean {
    const toDrain = this.#drain ? getEventListeners(this.#drain, "abort").length : 0;
    return getEventListeners(signal, "abort").length + toDrain > SDK_LISTENERS;
  }

  #check(): void {
    const signal = this.#watched;
    if (!signal) return;
    const now = performance.now();
    // Something else kept the loop going since the last look: the wait begins anew.
    if (this.#emptySince === 0 || now > this.#expectedAt + SLACK_MS) this.#emptySince = now;
    const leftMs = this.#emptySince + this.#afterMs - now;
    if (leftMs > 0 || this.#isListenedTo(signal)) {
      // A referenced timer keeps the process going; the loop empties again when it fires, unless something else began.
      const lookAgainMs = Math.max(50, Math.min(leftMs, 1_000));
      this.#expectedAt = now + lookAgainMs;
      inOwnRegion(() => setTimeout(() => undefined, lookAgainMs));
      return;
    }
    this.#watched = undefined;
    this.#onStalled();
  }
}
