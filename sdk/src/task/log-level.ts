/** `logLevel` of gantry.config.ts: which calls of `logger` are kept. The bundle's entry sets it for its process. */
import type { LogLevel } from "./log.ts";

const KEY = Symbol.for("dev.gantry.logLevel");
/** The least severe first; `log` is as severe as `info`. */
const SEVERITY: Record<string, number> = { trace: 0, debug: 1, log: 2, info: 2, warn: 3, error: 4, none: 5 };

export function setLogLevel(level: string): void {
  (globalThis as { [KEY]?: string })[KEY] = level;
}

/** Without a setting everything is kept. */
export function isKept(level: LogLevel): boolean {
  const least = (globalThis as { [KEY]?: string })[KEY];
  return least === undefined || (SEVERITY[level] ?? 0) >= (SEVERITY[least] ?? 0);
}
