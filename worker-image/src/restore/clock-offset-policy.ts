/** One instant, by a monotonic clock (nanoseconds) and by the wall's (milliseconds since the epoch). */
export interface Instant {
  monotonicNs: bigint;
  wallMs: number;
}

/**
 * What must be added to this node's monotonic clock, so that a process's goes on from `stored` as if it had run all the time:
 * what was due meanwhile is due, once. A wall clock that is behind the other node's counts as no time at all, for a
 * monotonic clock never goes back. Nanoseconds.
 */
export function clockOffset(stored: Instant, here: Instant): bigint {
  const passedMs = Math.max(0, Math.round(here.wallMs - stored.wallMs));
  return stored.monotonicNs + BigInt(passedMs) * 1_000_000n - here.monotonicNs;
}
