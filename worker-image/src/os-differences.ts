import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Longest socket path that every Unix accepts (macOS: 104 bytes with the final zero). */
const MAX_SOCKET_PATH = 100;

/** All that differs between operating systems, for runner and process executor. One object per system, so that a table can test each. */
export interface OsDifferences {
  /** Name of a socket in `dir`; undefined where that would be too long. Windows has named pipes instead. */
  socketPath(dir: string, name: string): string | undefined;
  /** True where the socket is a file that its owner must remove. */
  readonly socketIsFile: boolean;
  /** True where SIGTERM reaches a process's handlers; elsewhere it ends the process at once. */
  readonly hasSignals: boolean;
  /** When the process started, in words of the system: with the pid it names one process for good. Undefined: no such process. */
  processStart(pid: number): Promise<string | undefined>;
  /** Memory of the process now and at most, in bytes; undefined where the system does not say cheaply. */
  memory(pid: number): Promise<{ rssBytes: number; maxRssBytes: number } | undefined>;
  /** Processes that the process started, theirs included; empty where the system does not say cheaply. */
  descendants(pid: number): number[];
  /**
   * Processes of this one's memory cgroup (in a pod: its container) that the kernel has killed for lack of memory so far;
   * undefined where there is no such count.
   */
  oomKills(): number | undefined;
  /** Has the kernel choose this process, and what it starts, before all others when memory runs out. */
  sacrifice(pid: number): void;
}

const unix = {
  socketPath(dir: string, name: string): string | undefined {
    const path = posix.join(dir, name);
    return Buffer.byteLength(path) <= MAX_SOCKET_PATH ? path : undefined;
  },
  socketIsFile: true,
  hasSignals: true,
};

export const OPERATING_SYSTEMS: Record<"linux" | "darwin" | "win32", OsDifferences> = {
  linux: {
    ...unix,
    async processStart(pid) {
      try {
        const [stat, boot] = await Promise.all([
          readFile(`/proc/${pid}/stat`, "utf8"),
          readFile("/proc/sys/kernel/random/boot_id", "utf8"),
        ]);
        const start = startFromStat(stat);
        return start === undefined ? undefined : `${boot.trim()}:${start}`;
      } catch {
        return undefined;
      }
    },
    async memory(pid) {
      try {
        return memoryFromStatus(await readFile(`/proc/${pid}/status`, "utf8"));
      } catch {
        return undefined;
      }
    },
    descendants(pid) {
      return childrenOf(pid).flatMap((child) => [child, ...this.descendants(child)]);
    },
    oomKills: () => cgroupOomKills((path) => readFileSync(path, "utf8")),
    sacrifice(pid) {
      try {
        writeFileSync(`/proc/${pid}/oom_score_adj`, "1000");
      } catch {
        // It ended already, or the system allows no one to say so: then the kernel chooses by size.
      }
    },
  },
  darwin: {
    ...unix,
    processStart: (pid) => ask("ps", ["-o", "lstart=", "-p", String(pid)]),
    memory: async () => undefined,
    descendants: () => [],
    oomKills: () => undefined,
    sacrifice: () => undefined,
  },
  win32: {
    socketPath: (_dir, name) => `\\\\.\\pipe\\gantry-${name}`,
    socketIsFile: false,
    hasSignals: false,
    processStart: (pid) =>
      ask("powershell.exe", ["-NoProfile", "-Command", `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`]),
    memory: async () => undefined,
    descendants: () => [],
    oomKills: () => undefined,
    sacrifice: () => undefined,
  },
};

export function osDifferences(platform: NodeJS.Platform): OsDifferences {
  if (platform === "win32" || platform === "darwin" || platform === "linux") return OPERATING_SYSTEMS[platform];
  return { ...OPERATING_SYSTEMS.darwin };
}

/** Field 22 of /proc/<pid>/stat, clock ticks since boot; a zombie counts as ended. The name in field 2 may hold spaces and brackets. */
export function startFromStat(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/** VmRSS and VmHWM of /proc/<pid>/status, which gives them in kB whatever the page size. */
export function memoryFromStatus(status: string): { rssBytes: number; maxRssBytes: number } | undefined {
  const rss = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  const most = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
  if (rss === undefined) return undefined;
  return { rssBytes: Number(rss) * 1024, maxRssBytes: Number(most ?? rss) * 1024 };
}

/**
 * `oom_kill` of the cgroup that this process is in. A container may see its own cgroup as the root (version 2, and version 1
 * where only its part is mounted) though /proc/self/cgroup gives the node's path, so both places are looked at.
 */
export function cgroupOomKills(read: (path: string) => string): number | undefined {
  for (const path of oomCountFiles(readOr(read, "/proc/self/cgroup"))) {
    const count = /^oom_kill (\d+)$/m.exec(readOr(read, path))?.[1];
    if (count !== undefined) return Number(count);
  }
  return undefined;
}

function oomCountFiles(cgroups: string): string[] {
  const v1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(cgroups)?.[1];
  const v2 = /^0::(.*)$/m.exec(cgroups)?.[1];
  const base = "/sys/fs/cgroup";
  if (v1 !== undefined) {
    return [posix.join(base, "memory", v1, "memory.oom_control"), `${base}/memory/memory.oom_control`];
  }
  return [...(v2 === undefined ? [] : [posix.join(base, v2, "memory.events")]), `${base}/memory.events`];
}

function readOr(read: (path: string) => string, path: string): string {
  try {
    return read(path);
  } catch {
    return "";
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

async function ask(command: string, args: string[]): Promise<string | undefined> {
  try {
    return (await run(command, args, { windowsHide: true })).stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}
