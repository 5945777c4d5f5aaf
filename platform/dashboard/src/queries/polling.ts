/**
 * How often pages look again, in milliseconds, while their window is visible. What travels by hints needs none of it; these are
 * for numbers that no hint tells of.
 */
export const POLL = {
  /** What moves while one watches: depths, progress, a build's log. */
  fast: 2_000,
  /** Lists of things that come and go. */
  normal: 5_000,
  /** What people change by hand. */
  slow: 30_000,
} as const;
