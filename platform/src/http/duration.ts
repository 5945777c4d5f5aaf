const UNIT_MS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, hr: 3_600_000, m: 60_000, s: 1_000 } as const;
const WHOLE = /^(?:\d{1,12}(?:w|d|hr|h|m|s))+$/;
const PART = /(\d+)(w|d|hr|h|m|s)/g;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]|$)/;
/** A hundred years: what is later is a mistake, and Postgres could not hold much more. */
const MAX_MS = 100 * 365 * 86_400_000;

/** "1h52m18s" → milliseconds; undefined where it is no duration or longer than a hundred years. Units: w d h (hr) m s, summed. */
export function parseDurationMs(text: string): number | undefined {
  if (text.length > 100 || !WHOLE.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(PART)) total += Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return total <= MAX_MS ? total : undefined;
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
  for (const unit of ["w", "d", "h", "m"] as const) {
    const size = UNIT_MS[unit] / 1000;
    const count = Math.floor(seconds / size);
    if (count > 0) text += `${count}${unit}`;
    seconds -= count * size;
  }
  return seconds > 0 || text === "" ? `${text}${seconds}s` : text;
}
