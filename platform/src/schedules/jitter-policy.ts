import { parseJitter } from "@gantry/sdk/contract";

/**
 * How long after its due time a run starts: the same for a schedule and a due time on every replica and however often it is
 * asked, spread evenly over the window. Never as long as the time to the next due time, so that their order stays.
 *
 * Units: milliseconds. `followingDueAt` undefined: nothing follows.
 */
export function jitterMs(
  jitter: string | undefined,
  scheduleId: string,
  dueAt: number,
  followingDueAt: number | undefined,
): number {
  const window = jitter === undefined ? undefined : parseJitter(jitter);
  if (window === undefined) return 0;
  const interval = followingDueAt === undefined ? Number.POSITIVE_INFINITY : followingDueAt - dueAt;
  const wanted = "ms" in window ? window.ms : Number.isFinite(interval) ? window.share * interval : 0;
  return Math.floor(Math.min(wanted, interval) * fraction(`${scheduleId}/${dueAt}`));
}

/** A text's place between 0 and 1 (never 1): FNV-1a, its bits mixed once more so that neighbours lie apart. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
