/** When and how often a failed attempt is tried again. Times in milliseconds. */
export interface RetryOptions {
  /** Attempts in all, the first included. Default 3 (1 in a dev environment); at most 250. */
  maxAttempts?: number;
  /** Default 2. */
  factor?: number;
  /** Default 1000. */
  minTimeoutInMs?: number;
  /** Default 60000. */
  maxTimeoutInMs?: number;
  /** Multiplies the delay by a random number from 1 to 2. Default true. */
  randomize?: boolean;
  /** The larger preset to use after an out-of-memory crash; without it such a crash is final. */
  outOfMemory?: { machine?: string };
}

export const DEFAULT_RETRY = {
  maxAttempts: 3,
  factor: 2,
  minTimeoutInMs: 1_000,
  maxTimeoutInMs: 60_000,
  randomize: true,
} as const satisfies RetryOptions;

/**
 * The wait before attempt `attempt + 1`: `min(max, rand(1..2) * min * factor^(attempt - 1))`.
 *
 * Units: milliseconds, rounded. `random` is a number in [0, 1); pure, so a test can fix it.
 */
export function retryDelayMs(options: RetryOptions, attempt: number, random: number): number {
  const { factor, minTimeoutInMs, maxTimeoutInMs, randomize } = { ...DEFAULT_RETRY, ...options };
  const jitter = randomize ? 1 + random : 1;
  return Math.round(Math.min(maxTimeoutInMs, jitter * minTimeoutInMs * factor ** (attempt - 1)));
}
