const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Milliseconds as people say them: "320 ms", "4.2 s", "3m 05s", "2h 10m", "3d 4h". */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  const value = Math.max(0, ms);
  if (value < SECOND) return `${Math.round(value)} ms`;
  if (value < 9.95 * SECOND) return `${(value / SECOND).toFixed(1)} s`;
  if (value < 59.5 * SECOND) return `${Math.round(value / SECOND)} s`;
  if (value < HOUR - SECOND / 2) return pair(value, MINUTE, "m", SECOND, "s");
  if (value < DAY - MINUTE / 2) return pair(value, HOUR, "h", MINUTE, "m");
  return pair(value, DAY, "d", HOUR, "h");
}

function pair(ms: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const smalls = Math.round(ms / small);
  const perLarge = large / small;
  const rest = smalls % perLarge;
  return `${Math.floor(smalls / perLarge)}${largeUnit} ${String(rest).padStart(perLarge > 24 ? 2 : 1, "0")}${smallUnit}`;
}

/** How long ago, or in how long, in one unit: "now", "42s ago", "in 3m", "5d ago". */
export function formatRelative(at: number, now: number): string {
  const distance = now - at;
  const span = Math.abs(distance);
  if (span < 5 * SECOND) return "now";
  const text =
    span < MINUTE
      ? `${Math.floor(span / SECOND)}s`
      : span < HOUR
        ? `${Math.floor(span / MINUTE)}m`
        : span < DAY
          ? `${Math.floor(span / HOUR)}h`
          : `${Math.floor(span / DAY)}d`;
  return distance >= 0 ? `${text} ago` : `in ${text}`;
}

/** "512 B", "1.4 kB", "3 MB": powers of 1024, as the CLI and the limits count. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 10 ? Math.round(value) : Number(value.toFixed(1))} ${units[unit]}`;
}

const grouped = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** "12,480". */
export const formatNumber = (value: number): string => grouped.format(value);
/** "12.5K", where there is little room. */
export const formatCompact = (value: number): string => compact.format(value);

const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
/** "22 Nov 2026, 09:14:03", in the reader's time zone. */
export const formatInstant = (at: Date | number): string => full.format(at);
