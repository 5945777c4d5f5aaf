/**
 * Collects concurrent calls for at most `maxWaitMs` (or until `maxItems` or `maxBytes`) and carries them out together:
 * many requests, one statement, one commit. While `maxInFlight` batches are under way, the next one grows.
 *
 * Each call's promise settles after its batch: with its own result, or with the batch's error. Where the error is an
 * item's own fault (`isItemsFault`), the batch is halved and tried again until that item alone is refused.
 */
export interface GroupCommitOptions<In, Out> {
  /** All or nothing: what throws has had no effect. Results in the order of the items. */
  run(items: In[]): Promise<Out[]>;
  /** About how much an item adds to the statement. */
  bytesOf(item: In): number;
  /** False where the whole batch failed for a reason outside of it (the database is away). */
  isItemsFault(error: unknown): boolean;
  maxItems: number;
  /** A single item may be larger. */
  maxBytes: number;
  maxWaitMs: number;
  maxInFlight: number;
  /**
   * With no batch under way, one is carried out at the end of this turn of the event loop. Else it is given the shortest time
   * that a timer has, a millisecond: callers that come by the hundred then share more.
   */
  isPrompt?: boolean;
}

interface Waiting<In, Out> {
  item: In;
  bytes: number;
  resolve(out: Out): void;
  reject(error: unknown): void;
}

export class GroupCommit<In, Out> {
  readonly #options: GroupCommitOptions<In, Out>;
  #waiting: Waiting<In, Out>[] = [];
  #waitingBytes = 0;
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  #isFlushing = false;

  constructor(options: GroupCommitOptions<In, Out>) {
    this.#options = options;
  }

  add(item: In): Promise<Out> {
    const bytes = this.#options.bytesOf(item);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      this.#schedule();
    });
  }

  #schedule(): void {
    const { maxItems, maxBytes, maxWaitMs, maxInFlight, isPrompt } = this.#options;
    if (this.#inFlight >= maxInFlight || this.#waiting.length === 0) return;
    if (this.#waiting.length >= maxItems || this.#waitingBytes >= maxBytes) this.#flush();
    // Nobody else is being served: waiting would only add latency.
    else if (isPrompt && this.#inFlight === 0) this.#flushThisTurn();
    else this.#timer ??= setTimeout(() => this.#flush(), this.#inFlight === 0 ? 0 : maxWaitMs);
  }

  #flushThisTurn(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0 || this.#inFlight >= this.#options.maxInFlight) return;
    const batch = this.#take();
    this.#inFlight++;
    void this.#carryOut(batch).finally(() => {
      this.#inFlight--;
      this.#schedule();
    });
    this.#schedule();
  }

  #take(): Waiting<In, Out>[] {
    const { maxItems, maxBytes } = this.#options;
    let count = 0;
    let bytes = 0;
    for (const waiting of this.#waiting) {
      if (count === maxItems || (count > 0 && bytes + waiting.bytes > maxBytes)) break;
      count++;
      bytes += waiting.bytes;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #carryOut(batch: Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await this.#options.run(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, index) => {
        waiting.resolve(results[index] as Out);
      });
    } catch (error) {
      if (batch.length > 1 && this.#options.isItemsFault(error)) {
        const middle = batch.length >> 1;
        await this.#carryOut(batch.slice(0, middle));
        await this.#carryOut(batch.slice(middle));
      } else for (const waiting of batch) waiting.reject(error);
    }
  }
}
