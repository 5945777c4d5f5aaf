import { parseDurationMs as parseAnyDurationMs } from "@gantry/sdk/contract";

const FORMAT_MS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000 } as const;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]|$)/;
/** A hundred years: what is later is a mistake, and Postgres could not hold much more. */
const MAX_MS = 100 * 365 * 86_400_000;

/** "1h52m18s" → milliseconds; undefined where it is no duration or longer than a hundred years. Trigger.dev also writes an hour as "hr". */
export function parseDurationMs(text: string): number | undefined {
  if (text.length > 100) return undefined;
  const ms = parseAnyDurationMs(text.replace("hr", "h"));
  return ms === undefined || ms > MAX_MS ? undefined : ms;
}

/** A duration from now, or an ISO date; undefined where it is neither, or more than a hundred years away. */
export function parseInstant(text: string, nowMs: number): Date | undefined {
  const duration = parseDurationMs(text);
  if (duration !== undefined) return new Date(nowMs + duration);
  if (!ISO_DATE.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) || Math.abs(at - nowMs) > MAX_MS ? undefined : new Date(at);
}

/** Milliseconds since the epoch in digits, or an ISO date: how list filters say an instant. */
export function parseFilterInstant(text: string): Date | undefined {
  if (/^\d{1,15}$/.test(text)) return validDate(Number(text));
  return ISO_DATE.test(text) ? validDate(Date.parse(text)) : undefined;
}

function validDate(ms: number): Date | undefined {
  return Number.isNaN(ms) || ms < 0 || ms > 4_102_444_800_000 ? undefined : new Date(ms);
}

/** 5400000 → "1h30m"; rounded up to a second. */
export function formatDuration(ms: number): string {
  let seconds = Math.ceil(ms / 1000);
  let text = "";
  for (const [unit, unitMs] of Object.entries(FORMAT_MS)) {
    const count = Math.floor((seconds * 1000) / unitMs);
    if (count > 0) text += `${count}${unit}`;
    seconds -= (count * unitMs) / 1000;
  }
  return seconds > 0 || text === "" ? `${text}${seconds}s` : text;
}
