/** How polling went so far. */
export interface PollHistory {
  /** Polls in a row that found nothing new. */
  unchanged: number;
  /** Polls in a row that failed. */
  failures: number;
  /** What the platform asked for when it refused the last one. */
  retryAfterMs: number | undefined;
  /** Nobody sees the page. */
  isHidden: boolean;
}

const FIRST_MS = 1000;
const UNCHANGED_MAX_MS = 10_000;
const FAILED_MAX_MS = 30_000;
const HIDDEN_MIN_MS = 15_000;

/** Milliseconds until the next poll: a second after something changed, more and more while nothing does. `random` is in [0, 1). */
export function nextPollMs({ unchanged, failures, retryAfterMs, isHidden }: PollHistory, random: number): number {
  const grown =
    failures > 0
      ? Math.min(FAILED_MAX_MS, FIRST_MS * 2 ** (failures - 1))
      : Math.min(UNCHANGED_MAX_MS, FIRST_MS * 1.5 ** unchanged);
  const wanted = Math.max(grown, isHidden ? HIDDEN_MIN_MS : 0, retryAfterMs ?? 0);
  // Clients that lost their socket together do not come back together.
  return Math.round(wanted * (1 + random / 4));
}
