import { catalogue } from "./catalogue.ts";

export interface RateLimitOptions {
  /** Starts at most, in any window of `period`. */
  limit: number;
  /** `"1m"`, `"30s"`, or milliseconds. */
  period: string | number;
  /** What is counted apart: each concurrency key (the default), or the queue as a whole. */
  key?: "queue" | "concurrencyKey" | undefined;
}

export interface QueueOptions {
  /** At most 128 characters; unique in the project. */
  name: string;
  /** Runs of this queue that may execute at once; each concurrency key has a limit of its own. */
  concurrencyLimit?: number | undefined;
  /** Runs of this queue that may execute at once, all concurrency keys together. */
  combinedConcurrencyLimit?: number | undefined;
  rateLimit?: RateLimitOptions | undefined;
}
export type Queue = QueueOptions;

/**
 * Declares a queue that several tasks can share.
 *
 * @example
 * export const emails = queue({ name: "emails", concurrencyLimit: 5, rateLimit: { limit: 100, period: "1m" } });
 * export const sendEmail = task({ id: "send-email", queue: emails, run: async () => {} });
 */
export function queue(options: QueueOptions): Queue {
  catalogue().queues.push(options);
  return options;
}
