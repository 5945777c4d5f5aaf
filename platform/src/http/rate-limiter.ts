/** A bucket's state after a request. Times in milliseconds. */
export interface RateDecision {
  allowed: boolean;
  limit: number;
  /** Whole requests left. */
  remaining: number;
  /** Until the bucket is full again. */
  resetMs: number;
  /** Until the next request would be allowed; 0 where it would be now. */
  retryAfterMs: number;
}

export interface Rate {
  burst: number;
  refillPerSecond: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

const SWEEP_AT = 10_000;

/** One token bucket per credential, in this process. Replicas count on their own: n of them allow n times as much. */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();

  take(id: string, rate: Rate, nowMs: number): RateDecision {
    const bucket = this.#bucket(id, rate, nowMs);
    const perMs = rate.refillPerSecond / 1000;
    const passed = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(rate.burst, bucket.tokens + passed * perMs);
    bucket.atMs = nowMs;
    const allowed = bucket.tokens >= 1;
    if (allowed) bucket.tokens -= 1;
    return {
      allowed,
      limit: rate.burst,
      remaining: Math.floor(bucket.tokens),
      resetMs: perMs > 0 ? (rate.burst - bucket.tokens) / perMs : 0,
      retryAfterMs: bucket.tokens >= 1 ? 0 : perMs > 0 ? (1 - bucket.tokens) / perMs : 60_000,
    };
  }

  #bucket(id: string, rate: Rate, nowMs: number): Bucket {
    const known = this.#buckets.get(id);
    if (known !== undefined) return known;
    if (this.#buckets.size >= SWEEP_AT) this.#sweep(nowMs);
    const bucket = { tokens: rate.burst, atMs: nowMs };
    this.#buckets.set(id, bucket);
    return bucket;
  }

  /** A bucket that nobody used for ten minutes is full, or as good as. */
  #sweep(nowMs: number): void {
    for (const [id, bucket] of this.#buckets) if (nowMs - bucket.atMs > 600_000) this.#buckets.delete(id);
    if (this.#buckets.size >= SWEEP_AT) this.#buckets.clear();
  }
}
