/**
 * Inside a run, `console.*` writes the run's log, with its level; outside it stays what it was.
 *
 * The global methods are replaced once per process. The run is found by AsyncLocalStorage, so that of two runs in one
 * process each gets its own lines. `console.table`, `group`, `count` and `timeEnd` end in these methods by themselves.
 */
import { format, inspect } from "node:util";
import { emitLog, type LogLevel } from "./log.ts";
import { currentScope } from "./run-scope.ts";

const CAPTURED = Symbol.for("dev.gantry.capturedConsole");

export function captureConsole(): void {
  const target = console as Console & { [CAPTURED]?: true };
  if (target[CAPTURED]) return;
  target[CAPTURED] = true;
  for (const level of ["debug", "log", "info", "warn", "error"] as const) {
    replace(level, level, (values) => format(...values));
  }
  replace("trace", "trace", (values) => `${format(...values)}\n${callerStack(console.trace)}`);
  replace("dir", "log", ([value, options]) => inspect(value, options as object));
}

type Method = "debug" | "log" | "info" | "warn" | "error" | "trace" | "dir";

function replace(method: Method, level: LogLevel, render: (values: unknown[]) => string): void {
  const original = console[method].bind(console) as (...values: unknown[]) => void;
  console[method] = (...values: unknown[]) => {
    const scope = currentScope();
    if (scope) emitLog(scope, level, rendered(render, values));
    else original(...values);
  };
}

/** A value whose inspection throws must not fail the task that logs it. */
function rendered(render: (values: unknown[]) => string, values: unknown[]): string {
  try {
    return render(values);
  } catch {
    return "[a value that cannot be shown]";
  }
}

/** The stack below a function, without a head line. */
function callerStack(below: (...values: unknown[]) => void): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, below);
  return (holder.stack ?? "").split("\n").slice(1).join("\n");
}
