/** What a queue's numbers mean. */
export interface QueueNumbers {
  running: number;
  queued: number;
  paused: boolean;
  concurrencyLimit: number | null;
  oldestQueuedAt: Date | null;
}

export type QueueState = "paused" | "full" | "busy" | "idle";

/** `environmentLimit` holds where the queue has no limit of its own. */
export function queueState(queue: QueueNumbers, environmentLimit: number | undefined): QueueState {
  if (queue.paused) return "paused";
  const limit = queue.concurrencyLimit ?? environmentLimit;
  if (queue.queued > 0 && limit !== undefined && queue.running >= limit) return "full";
  return queue.queued > 0 || queue.running > 0 ? "busy" : "idle";
}

/** 0 to 1; undefined where nothing limits it. */
export function runningShare(running: number, limit: number | null | undefined): number | undefined {
  if (limit === null || limit === undefined || limit < 0) return undefined;
  return limit === 0 ? 1 : Math.min(1, running / limit);
}

/** Why the oldest run of a queue is not running yet; undefined where none waits. */
export function holdReason(queue: QueueNumbers, environmentLimit: number | undefined): string | undefined {
  if (queue.queued === 0) return undefined;
  if (queue.paused) return "The queue is paused.";
  if (queue.concurrencyLimit === 0) return "Its concurrency limit is 0.";
  if (queue.concurrencyLimit !== null && queue.running >= queue.concurrencyLimit)
    return "Its concurrency limit is reached.";
  if (environmentLimit !== undefined && queue.running >= environmentLimit)
    return "The environment's concurrency limit is reached.";
  return undefined;
}

/** A number from 0 to 100,000, as the API takes it; undefined for anything else. */
export function parseConcurrencyLimit(text: string): number | undefined {
  const value = /^\d{1,6}$/.test(text.trim()) ? Number(text.trim()) : Number.NaN;
  return value <= 100_000 ? value : undefined;
}
