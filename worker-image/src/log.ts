import { writeSync } from "node:fs";

export type Log = (level: "info" | "warn" | "error", message: string, fields?: Record<string, unknown>) => void;

/** One JSON object a line on stdout: the executor sends it to the runner's log file. Never pass a token. */
export function jsonLog(workerId: string): Log {
  return (level, message, fields) => {
    const time = new Date().toISOString();
    print(`${JSON.stringify({ time, level, workerId, pid: process.pid, message, ...fields })}\n`);
  };
}

/** By the descriptor: making the stream `process.stdout` takes milliseconds of a pod's start. */
function print(line: string): void {
  try {
    writeSync(1, line);
  } catch {
    // A pipe that is full and does not block, or nobody reads any more: the stream knows what to do.
    process.stdout.write(line);
  }
}
