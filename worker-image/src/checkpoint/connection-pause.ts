/** A pause in a task process's connection: from being told to close it until it has called in again, or ended. */
export class ConnectionPause {
  readonly closed: Promise<void>;
  readonly back: Promise<void>;
  isClosed = false;
  readonly #closed = Promise.withResolvers<void>();
  readonly #back = Promise.withResolvers<void>();

  constructor() {
    this.closed = this.#closed.promise;
    this.back = this.#back.promise;
    // Whoever waits for one of them need not wait for the other.
    for (const promise of [this.closed, this.back]) promise.catch(() => undefined);
  }

  hasClosed(): void {
    this.isClosed = true;
    this.#closed.resolve();
  }

  cameBack(): void {
    this.hasClosed();
    this.#back.resolve();
  }

  ended(): void {
    const error = new Error("its process has ended");
    this.#closed.reject(error);
    this.#back.reject(error);
  }
}

/** Errors: `late`, after `ms`. */
export async function within<T>(promise: Promise<T>, ms: number, late: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(late)), ms)));
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer));
}
