/** `logger`: lines with attributes, kept with the run. Outside a run they go to the console. */
import { emitEvent, emitLog, type LogLevel } from "./log.ts";
import { isKept } from "./log-level.ts";
import { currentScope } from "./run-scope.ts";

type Attributes = Record<string, unknown>;

/** What the function of `logger.trace` may add to its record. */
export interface TraceSpan {
  setAttribute(name: string, value: unknown): this;
  setAttributes(attributes: Attributes): this;
  recordException(error: unknown): void;
}

function line(level: LogLevel, message: string, attributes?: Attributes): void {
  if (!isKept(level)) return;
  const scope = currentScope();
  if (scope) emitLog(scope, level, message, attributes);
  else console[level](message, ...(attributes === undefined ? [] : [attributes]));
}

/** Runs `fn`, and records how long it took, its attributes and what it threw; gives what `fn` gives. */
async function trace<T>(
  name: string,
  fn: (span: TraceSpan) => Promise<T> | T,
  options?: { attributes?: Attributes | undefined },
): Promise<T> {
  const attributes: Attributes = { ...options?.attributes };
  const span: TraceSpan = {
    setAttribute: (key, value) => span.setAttributes({ [key]: value }),
    setAttributes: (more) => {
      Object.assign(attributes, more);
      return span;
    },
    recordException: (error) => void span.setAttribute("error", error),
  };
  const startedAt = performance.now();
  let level: LogLevel = "info";
  try {
    return await fn(span);
  } catch (error) {
    level = "error";
    span.recordException(error);
    throw error;
  } finally {
    const scope = currentScope();
    const durationMs = Math.round((performance.now() - startedAt) * 1000) / 1000;
    if (scope) emitEvent(scope, level, name, { ...attributes, durationMs });
  }
}

export const logger = {
  debug: (message: string, attributes?: Attributes): void => line("debug", message, attributes),
  log: (message: string, attributes?: Attributes): void => line("log", message, attributes),
  info: (message: string, attributes?: Attributes): void => line("info", message, attributes),
  warn: (message: string, attributes?: Attributes): void => line("warn", message, attributes),
  error: (message: string, attributes?: Attributes): void => line("error", message, attributes),
  trace,
};
