import { execFile } from "node:child_process";

/** How a runner is told to end, and ended with all that it started: what differs between operating systems. */
export interface ProcessTree {
  /** Lets it finish what runs. False where the system has no such signal. */
  askToDrain(pid: number): boolean;
  /** Lets it give back what runs. False where the system has no such signal. */
  askToShutDown(pid: number): boolean;
  /** Ends it and what it started, at once. */
  kill(pid: number): Promise<void>;
}

const posix: ProcessTree = {
  askToDrain: (pid) => signal(pid, "SIGTERM"),
  askToShutDown: (pid) => signal(pid, "SIGINT"),
  // A runner is started detached: it leads a group of its own, and its task processes are in it.
  kill: async (pid) => void signal(-pid, "SIGKILL"),
};

const windows: ProcessTree = {
  askToDrain: () => false,
  askToShutDown: () => false,
  kill: (pid) =>
    new Promise((resolve) => {
      execFile("taskkill", ["/PID", String(pid), "/T", "/F"], { windowsHide: true }, () => resolve());
    }),
};

export function processTree(platform: NodeJS.Platform): ProcessTree {
  return platform === "win32" ? windows : posix;
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
    return true;
  }
}
