/** The stretches that ended runs are counted in; minutes. The short ones are kept for four days, the long ones as long as runs. */
export const RESOLUTIONS = [15, 360] as const;
export type Resolution = (typeof RESOLUTIONS)[number];
export const SHORT_KEPT_DAYS = 4;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const MAX_PERIOD_MS = 30 * 24 * HOUR;

/** What is drawn: `points` stretches of `bucketMs`, the last of which is now's; read from counts of `resolution`. */
export interface StatWindow {
  fromMs: number;
  bucketMs: number;
  points: number;
  resolution: Resolution;
}

const LAYOUTS: readonly { upToMs: number; bucketMs: number; resolution: Resolution }[] = [
  { upToMs: 12 * HOUR, bucketMs: 15 * MINUTE, resolution: 15 },
  { upToMs: 24 * HOUR, bucketMs: 30 * MINUTE, resolution: 15 },
  { upToMs: 3 * 24 * HOUR, bucketMs: 2 * HOUR, resolution: 15 },
  { upToMs: 7 * 24 * HOUR, bucketMs: 6 * HOUR, resolution: 360 },
  { upToMs: MAX_PERIOD_MS, bucketMs: 24 * HOUR, resolution: 360 },
];

/** At most 48 points, whatever the period; one longer than 30 days is cut. */
export function statWindow(periodMs: number, nowMs: number): StatWindow {
  const period = Math.min(Math.max(periodMs, 1), MAX_PERIOD_MS);
  const { bucketMs, resolution } = LAYOUTS.find(({ upToMs }) => period <= upToMs) as (typeof LAYOUTS)[number];
  const points = Math.ceil(period / bucketMs);
  const lastMs = Math.floor(nowMs / bucketMs) * bucketMs;
  return { fromMs: lastMs - (points - 1) * bucketMs, bucketMs, points, resolution };
}
