const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * How long a run rests after the cluster had no worker for it, before it queues again. Grows with each time in a row;
 * `random` in [0, 1) spreads what failed together. Milliseconds.
 */
export function startBackOffMs(failures: number, random: number): number {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
  return Math.round(pause * (0.75 + random / 2));
}
