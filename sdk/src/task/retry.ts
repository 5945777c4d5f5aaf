import { DEFAULT_RETRY, type RetryOptions, retryDelayMs } from "../contract/retry.ts";
import { retryOfError } from "./after-error.ts";
import { ownNow } from "./own-clock.ts";
import { pauseInRun } from "./pause.ts";
import { retryFetch } from "./retry-fetch.ts";

/**
 * Calls `fn` until it does not throw, in place and with back-off; throws what the last attempt threw.
 *
 * An error that asks for something else (AbortTaskRunError, RetryAfterError) is thrown on at once.
 *
 * @example
 * const rate = await retry.onThrow(async () => fetchRate("EUR"), { maxAttempts: 5 });
 */
async function onThrow<T>(
  fn: (params: { attempt: number; maxAttempts: number }) => Promise<T> | T,
  options: RetryOptions = {},
): Promise<T> {
  const maxAttempts = options.maxAttempts ?? DEFAULT_RETRY.maxAttempts;
  for (let attempt = 1; ; attempt++) {
    try {
      return await fn({ attempt, maxAttempts });
    } catch (error) {
      if (attempt >= maxAttempts || retryOfError(error, ownNow())) throw error;
    }
    await pauseInRun(retryDelayMs(options, attempt, Math.random()));
  }
}

export const retry = { onThrow, fetch: retryFetch };
