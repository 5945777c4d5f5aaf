/**
 * Collects concurrent calls for at most `maxWaitMs` (or until `maxItems`) and carries them out together: many requests,
 * one statement, one commit. While `maxInFlight` batches are under way, the next one grows.
 *
 * Each call's promise settles after its batch: with its own result, or with the batch's error.
 */
export interface GroupCommitOptions<In, Out> {
  run(items: In[]): Promise<Out[]>;
  maxItems: number;
  maxWaitMs: number;
  maxInFlight: number;
}

interface Waiting<In, Out> {
  item: In;
  resolve(out: Out): void;
  reject(error: unknown): void;
}

export class GroupCommit<In, Out> {
  readonly #options: GroupCommitOptions<In, Out>;
  #waiting: Waiting<In, Out>[] = [];
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GroupCommitOptions<In, Out>) {
    this.#options = options;
  }

  add(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    const { maxItems, maxWaitMs, maxInFlight } = this.#options;
    if (this.#inFlight >= maxInFlight || this.#waiting.length === 0) return;
    // Nobody else is being served: waiting would only add latency.
    if (this.#waiting.length >= maxItems) this.#flush();
    else if (this.#inFlight === 0 && this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#flush(), 0);
    } else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#flush(), maxWaitMs);
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, this.#options.maxItems);
    this.#inFlight++;
    void this.#carryOut(batch).finally(() => {
      this.#inFlight--;
      this.#schedule();
    });
  }

  async #carryOut(batch: Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await this.#options.run(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, index) => {
        waiting.resolve(results[index] as Out);
      });
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    }
  }
}
