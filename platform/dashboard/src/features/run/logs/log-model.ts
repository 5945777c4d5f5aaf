import type { RunEventItem } from "@gantry/sdk";
import { stripAnsi } from "./ansi.ts";

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogLine extends RunEventItem {
  shown: LogLevel;
  /** What a search looks into: its words and its data, without escape sequences, in small letters. Made when it is needed. */
  searchText?: string;
}

export interface LogFilter {
  levels: ReadonlySet<LogLevel>;
  text: string;
}
export const ALL_LINES: LogFilter = { levels: new Set(LOG_LEVELS), text: "" };

/** `log` is said like `info`, `trace` like `debug`. */
export function shownLevel(level: string): LogLevel {
  if (level === "error" || level === "warn") return level;
  return level === "debug" || level === "trace" ? "debug" : "info";
}

export function toLogLine(event: RunEventItem): LogLine {
  return { ...event, shown: shownLevel(event.level) };
}

export function isShown(line: LogLine, filter: LogFilter): boolean {
  if (!filter.levels.has(line.shown)) return false;
  if (filter.text === "") return true;
  line.searchText ??=
    `${stripAnsi(line.message)} ${line.data === undefined ? "" : JSON.stringify(line.data)}`.toLowerCase();
  return line.searchText.includes(filter.text.toLowerCase());
}

/**
 * The lines that a filter lets through, kept up to date as lines are added: what was looked at is not looked at again.
 * Shape: a new array whenever something came; the same one where nothing did.
 */
export class FilteredLog {
  readonly #filter: LogFilter;
  #seen = 0;
  #lines: readonly LogLine[] = [];

  constructor(filter: LogFilter) {
    this.#filter = filter;
  }

  update(all: readonly LogLine[]): readonly LogLine[] {
    if (all.length < this.#seen) {
      this.#seen = 0;
      this.#lines = [];
    }
    const fresh = all.slice(this.#seen).filter((line) => isShown(line, this.#filter));
    this.#seen = all.length;
    if (fresh.length > 0) this.#lines = [...this.#lines, ...fresh];
    return this.#lines;
  }
}

/** How many lines of each level there are. */
export function countLevels(lines: readonly LogLine[]): Record<LogLevel, number> {
  const counts = { error: 0, warn: 0, info: 0, debug: 0 };
  for (const { shown } of lines) counts[shown] += 1;
  return counts;
}
