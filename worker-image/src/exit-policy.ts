import type { AttemptOutcome, MachinePreset, WireError } from "@gantry/sdk/contract";

/** Why the runner ended a process, where it did. */
export type Kill =
  | { by: "maxDuration"; maxDurationMs: number; blockedMs: number }
  | { by: "cancel" }
  | { by: "memory"; rssBytes: number }
  | { by: "bootTimeout"; afterMs: number }
  | { by: "checkpoint"; why: string }
  | { by: "return"; reason: string }
  /** It was brought back, and did not call in. */
  | { by: "silence"; afterMs: number };

/** How a task process ended, before its attempt had an outcome. */
export interface ProcessEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  kill: Kill | undefined;
  /** From the process's own exit event. */
  exiting: { code: number; stack: string } | undefined;
  /** The last of what it wrote to stderr. */
  stderrTail: string;
  machine: MachinePreset;
  /** The kernel killed a process of this cgroup for lack of memory since this one was started. */
  wasOomKilled: boolean;
  /** False where the bundle had not been imported yet. */
  hasBooted: boolean;
  spawnError: Error | undefined;
}

/** Names what happened. Pure: what follows from the outcome is the platform's decision. */
export function outcomeOfEnd(end: ProcessEnd): AttemptOutcome {
  switch (end.kill?.by) {
    case "cancel":
      return { kind: "canceled" };
    case "return":
      return { kind: "returned", reason: end.kill.reason };
    case "maxDuration":
      return { kind: "timedOut", error: timeoutError(end.kill) };
    case "memory":
      return outOfMemory(end, `it used ${megabytes(end.kill.rssBytes)} MB of memory`);
    case "checkpoint":
      return {
        kind: "crashed",
        reason: "UNRESPONSIVE",
        error: error("TASK_PROCESS_UNRESPONSIVE", `The task's process was ended: ${end.kill.why}.`),
      };
    case "bootTimeout":
      return bootFailed(
        end,
        `was still importing the bundle after ${end.kill.afterMs / 1000} s and was ended. Look for top-level code that waits`,
      );
    case "silence":
      return {
        kind: "crashed",
        reason: "UNRESPONSIVE",
        error: error(
          "TASK_PROCESS_SILENT",
          `The task's process was brought back, went on, and was not heard of for ${end.kill.afterMs / 1000} s.`,
          stderrStack(end),
        ),
      };
    default:
      return end.hasBooted ? crash(end) : bootCrash(end);
  }
}

function crash(end: ProcessEnd): AttemptOutcome {
  if (isOomKilled(end)) return oomKilled(end, "The task's process");
  if (isHeapExhausted(end)) return outOfMemory(end, "V8's heap was full");
  if (end.signal !== null) {
    const hint =
      end.signal === "SIGKILL"
        ? " It was not Gantry that sent it; the kernel does when the machine runs out of memory."
        : "";
    return {
      kind: "crashed",
      reason: "SIGNAL",
      signal: end.signal,
      error: error("TASK_PROCESS_SIGNAL", `The task's process was ended by ${end.signal}.${hint}`, stderrStack(end)),
    };
  }
  const code = end.exitCode ?? end.exiting?.code ?? -1;
  const called = end.exiting ? " process.exit was called before the function had returned." : "";
  return {
    kind: "crashed",
    reason: "EXIT",
    exitCode: code,
    error: error(
      "TASK_PROCESS_EXITED",
      `The task's process exited with code ${code}.${called}`,
      end.exiting?.stack ?? stderrStack(end),
    ),
  };
}

function bootCrash(end: ProcessEnd): AttemptOutcome {
  if (end.spawnError) return bootFailed(end, `could not be started: ${end.spawnError.message}`);
  if (isOomKilled(end)) return oomKilled(end, "The task's process, while it imported the bundle,");
  if (isHeapExhausted(end)) return outOfMemory(end, "V8's heap was full while the bundle was imported");
  const how = end.signal ? `was ended by ${end.signal}` : `exited with code ${end.exitCode}`;
  return bootFailed(end, `${how} while it imported the bundle`);
}

function bootFailed(end: ProcessEnd, what: string): AttemptOutcome {
  return {
    kind: "crashed",
    reason: "BOOT_FAILED",
    ...(end.exitCode === null ? {} : { exitCode: end.exitCode }),
    ...(end.signal === null ? {} : { signal: end.signal }),
    error: error("BOOT_FAILED", `The task's process ${what}.`, stderrStack(end)),
  };
}

const REMEDY = "Use a larger `machine`, or name one in `retry.outOfMemory.machine`.";

/** The bundle threw while it was imported: its own error as cause, under a name that says what could not be done. */
export function importFailed(cause: WireError): AttemptOutcome {
  const { name, message, stack } = cause;
  const text = `The bundle could not be imported: ${name}: ${message}`;
  const error = {
    name: "BootError",
    code: "BOOT_FAILED",
    message: text,
    ...(stack === undefined ? {} : { stack }),
    cause,
  };
  return { kind: "crashed", reason: "BOOT_FAILED", error };
}

function outOfMemory(end: ProcessEnd, what: string): AttemptOutcome {
  const { name, memory } = end.machine;
  const message = `The task's process ran out of memory: ${what}, and the machine preset ${name} has ${memory * 1000} MB. ${REMEDY}`;
  return memoryCrash(end, "OUT_OF_MEMORY", message);
}

function oomKilled(end: ProcessEnd, who: string): AttemptOutcome {
  const { name, memory } = end.machine;
  const message = `${who} was killed by the kernel: it and what it started used more memory than the ${memory * 1000} MB of the machine preset ${name}. ${REMEDY}`;
  return memoryCrash(end, "OOM_KILLED", message);
}

function memoryCrash(end: ProcessEnd, code: "OUT_OF_MEMORY" | "OOM_KILLED", message: string): AttemptOutcome {
  return {
    kind: "crashed",
    reason: "OUT_OF_MEMORY",
    ...(end.exitCode === null ? {} : { exitCode: end.exitCode }),
    ...(end.signal === null ? {} : { signal: end.signal }),
    error: error(code, message),
  };
}

function isOomKilled(end: ProcessEnd): boolean {
  return end.signal === "SIGKILL" && end.wasOomKilled;
}

/** V8's fatal exit: SIGABRT (134 from a shell or on Windows), and its words on stderr. */
function isHeapExhausted(end: ProcessEnd): boolean {
  const aborted = end.signal === "SIGABRT" || end.signal === "SIGTRAP" || end.exitCode === 134;
  return aborted && /heap out of memory|Reached heap limit|Allocation failed/.test(end.stderrTail);
}

function timeoutError(kill: Extract<Kill, { by: "maxDuration" }>): WireError {
  const blocked =
    kill.blockedMs > 0
      ? ` The event loop had been blocked for ${(kill.blockedMs / 1000).toFixed(1)} s: synchronous code kept it from doing anything else.`
      : "";
  return error(
    "MAX_DURATION_EXCEEDED",
    `The run used more than its maxDuration of ${kill.maxDurationMs / 1000} s of compute time.${blocked}`,
  );
}

function error(code: string, message: string, stack?: string): WireError {
  return { name: "TaskProcessError", code, message, ...(stack ? { stack } : {}) };
}

function stderrStack(end: ProcessEnd): string | undefined {
  const text = Buffer.from(end.stderrTail, "latin1").toString("utf8").trim();
  return text === "" ? undefined : text;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
