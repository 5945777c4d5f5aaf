export type Log = (level: "info" | "warn" | "error", message: string, fields?: Record<string, unknown>) => void;

/** One JSON object a line on stdout: the executor sends it to the runner's log file. Never pass a token. */
export function jsonLog(workerId: string): Log {
  return (level, message, fields) => {
    process.stdout.write(
      `${JSON.stringify({ time: new Date().toISOString(), level, workerId, pid: process.pid, message, ...fields })}\n`,
    );
  };
}
