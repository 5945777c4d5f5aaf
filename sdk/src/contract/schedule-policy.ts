import { cronProblem, timezoneProblem } from "./cron-policy.ts";
import { parseDurationMs } from "./duration.ts";

/** What happens where a run of the schedule still goes on when the next is due. */
export const OVERLAPS = ["allow", "skip", "queue", "cancelRunning"] as const;
export type Overlap = (typeof OVERLAPS)[number];

/** What is made up for after the schedule, its environment or the platform was away. */
export const CATCH_UPS = ["none", "last", "all"] as const;
export type CatchUp = (typeof CATCH_UPS)[number];

const HOUR_MS = 3_600_000;
export const DEFAULT_CATCH_UP_MS = 24 * HOUR_MS;
export const MAX_CATCH_UP_MS = 7 * 24 * HOUR_MS;
const MAX_JITTER_MS = 24 * HOUR_MS;

/** How far behind its due time a run may start: milliseconds, or a share (0 to 1) of the time to the next due time. */
export type Jitter = { ms: number } | { share: number };

/** `"30s"`, `"15m"`, `"2h"`, `"30%"`; at most a day. Undefined where the text is none of them. */
export function parseJitter(text: string): Jitter | undefined {
  const percent = /^(\d{1,3})%$/.exec(text);
  if (percent) return Number(percent[1]) <= 100 ? { share: Number(percent[1]) / 100 } : undefined;
  const ms = /^0[mhs]?$/.test(text) ? 0 : parseDurationMs(text);
  return ms !== undefined && ms >= 0 && ms <= MAX_JITTER_MS ? { ms } : undefined;
}

/** What is wrong with a schedule, as a sentence; undefined where nothing is. */
export function scheduleProblem(schedule: {
  cron: string;
  timezone?: string | undefined;
  jitter?: string | undefined;
}): { field: "cron" | "timezone" | "jitter"; message: string } | undefined {
  const { cron, timezone, jitter } = schedule;
  const cronWrong = cronProblem(cron);
  if (cronWrong !== undefined)
    return { field: "cron", message: `The cron pattern "${cron.slice(0, 100)}" ${cronWrong}.` };
  const zoneWrong = timezone === undefined ? undefined : timezoneProblem(timezone);
  if (zoneWrong !== undefined) {
    return { field: "timezone", message: `The time zone "${timezone?.slice(0, 100)}" ${zoneWrong}.` };
  }
  if (jitter === undefined || parseJitter(jitter) !== undefined) return undefined;
  return {
    field: "jitter",
    message: `The jitter "${jitter.slice(0, 100)}" is neither a duration up to 24h ("15m") nor a percentage ("30%").`,
  };
}
