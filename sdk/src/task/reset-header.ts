/** When a rate limit is over, as the many services say it. */
import { parseDurationMs } from "../contract/duration.ts";

/** How a service writes the moment: seconds or milliseconds since the epoch, a date, or a duration such as `6m0s`. */
export type ResetFormat = "unix_timestamp" | "unix_timestamp_in_ms" | "iso_8601" | "iso_8601_duration_openai_variant";

const READERS: Record<ResetFormat, (text: string, nowMs: number) => number | undefined> = {
  unix_timestamp: (text) => wholeNumber(text, 1000),
  unix_timestamp_in_ms: (text) => wholeNumber(text, 1),
  iso_8601: (text) => Date.parse(text),
  iso_8601_duration_openai_variant: (text, nowMs) => after(parseDurationMs(text), nowMs),
};

/** Milliseconds to wait by one header in a known format; undefined where it cannot be read. Never negative. */
export function waitByFormat(text: string | null, format: ResetFormat, nowMs: number): number | undefined {
  return text === null ? undefined : untilMs(READERS[format](text.trim(), nowMs), nowMs);
}

const HEADERS = [
  "retry-after-ms",
  "retry-after",
  "x-ratelimit-reset",
  "ratelimit-reset",
  "x-rate-limit-reset",
] as const;

/** Milliseconds to wait by the headers that services usually send; undefined where there is none. */
export function waitByHeaders(headers: Headers, nowMs: number): number | undefined {
  for (const name of HEADERS) {
    const text = headers.get(name)?.trim();
    if (!text) continue;
    const waitMs = name === "retry-after-ms" ? Number(text) : untilMs(guessInstant(text, nowMs), nowMs);
    if (waitMs !== undefined && Number.isFinite(waitMs)) return Math.max(0, waitMs);
  }
  return undefined;
}

/** A small number is seconds from now (Retry-After), a large one an epoch time in seconds or milliseconds. */
function guessInstant(text: string, nowMs: number): number | undefined {
  const number = Number(text);
  if (Number.isNaN(number)) return after(parseDurationMs(text), nowMs) ?? Date.parse(text);
  if (number > 1e11) return number;
  return number > 1e9 ? number * 1000 : nowMs + number * 1000;
}

function wholeNumber(text: string, unitMs: number): number | undefined {
  const number = Number.parseInt(text, 10);
  return Number.isNaN(number) ? undefined : number * unitMs;
}

function after(durationMs: number | undefined, nowMs: number): number | undefined {
  return durationMs === undefined ? undefined : nowMs + durationMs;
}

function untilMs(instant: number | undefined, nowMs: number): number | undefined {
  return instant === undefined || Number.isNaN(instant) ? undefined : Math.max(0, instant - nowMs);
}
