import { AppError } from "../errors.ts";

/**
 * Lets so many in at a time, in the order in which they came. Who waits has read nothing of its body yet: what a hundred workers
 * send at once stays with them, and the platform keeps a few chunks in memory.
 */
export class ChunkGate {
  readonly #places: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(places: number, maxWaiting: number) {
    this.#places = places;
    this.#maxWaiting = maxWaiting;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Does the work once there is a place. Errors: CHECKPOINTS_BUSY, BAD_REQUEST where `gone` was first. */
  async through<T>(gone: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(gone);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(gone: AbortSignal): Promise<void> {
    if (this.#inside < this.#places) {
      this.#inside += 1;
      return;
    }
    if (this.#waiting.size >= this.#maxWaiting)
      throw new AppError("CHECKPOINTS_BUSY", "Too many processes are being stored or brought back here at once.");
    if (gone.aborted) throw closed();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiting.delete(resolve);
      reject(closed());
    };
    this.#waiting.add(resolve);
    gone.addEventListener("abort", leave, { once: true });
    await promise.finally(() => gone.removeEventListener("abort", leave));
  }

  /** The place goes to who has waited longest. */
  #leave(): void {
    const next = this.#waiting.values().next();
    if (next.done) {
      this.#inside -= 1;
      return;
    }
    this.#waiting.delete(next.value);
    next.value();
  }
}

function closed(): AppError {
  return new AppError("BAD_REQUEST", "The connection closed before its turn had come.");
}
