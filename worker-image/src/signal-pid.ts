/** Sends a signal to a process that may have ended meanwhile; its end is told elsewhere. */
export function signalPid(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone.
  }
}
