import { ApiError, RateLimitError } from "../api-error.ts";
import { pause } from "../http.ts";
import { nextPollMs, type PollHistory } from "./poll-policy.ts";

export interface PollerOptions {
  /** One look. Returns whether something was new. */
  poll(signal: AbortSignal): Promise<boolean>;
  onAnswer(): void;
  /** No answer, or none that helps: it is asked again. */
  onSilence(): void;
  /** An answer that will not change. Polling has ended. */
  onRefused(error: Error): void;
}

/** Polls while it is started, at growing intervals. */
export class Poller {
  readonly #options: PollerOptions;
  #running: AbortController | undefined;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#running = new AbortController();
    void this.#loop(this.#running.signal);
  }

  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const history: PollHistory = { unchanged: 0, failures: 0, retryAfterMs: undefined, isHidden: false };
    while (!signal.aborted) {
      await this.#look(signal, history);
      history.isHidden = isHidden();
      await pause(nextPollMs(history, Math.random()), signal).catch(() => undefined);
    }
  }

  async #look(signal: AbortSignal, history: PollHistory): Promise<void> {
    try {
      const isNew = await this.#options.poll(signal);
      if (signal.aborted) return;
      Object.assign(history, { unchanged: isNew ? 0 : history.unchanged + 1, failures: 0, retryAfterMs: undefined });
      this.#options.onAnswer();
    } catch (error) {
      if (signal.aborted) return;
      if (isFinal(error)) {
        this.stop();
        this.#options.onRefused(error);
        return;
      }
      history.failures++;
      history.retryAfterMs = error instanceof RateLimitError ? error.retryAfterMs : undefined;
      this.#options.onSilence();
    }
  }
}

/** The same request would be refused again. */
function isFinal(error: unknown): error is Error {
  if (!(error instanceof ApiError)) return error instanceof Error;
  const { status } = error;
  return status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
}

function isHidden(): boolean {
  return (globalThis as { document?: { hidden?: boolean } }).document?.hidden ?? false;
}
