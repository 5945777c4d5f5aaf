import type { Logger } from "../logging.ts";

const EVERY_MS = 60_000;

/** Says that something is away: at once, then once a minute at most; and where it was said, that it is back. */
export class Complaint {
  readonly #logger: Pick<Logger, "warn" | "info">;
  readonly #now: () => number;
  #saidAt: number | undefined;
  #isOver = true;
  #untold = 0;

  constructor(logger: Pick<Logger, "warn" | "info">, now: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#now = now;
  }

  about(error: unknown, message: string): void {
    const now = this.#now();
    this.#untold++;
    if (this.#saidAt !== undefined && now - this.#saidAt < EVERY_MS) return;
    this.#logger.warn({ err: error, times: this.#untold }, message);
    this.#saidAt = now;
    this.#untold = 0;
    this.#isOver = false;
  }

  over(message: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#logger.info({}, message);
  }
}
