import { execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { hostVariables } from "../../host-variables.ts";
import type { Host } from "./host.ts";
import type { ServerUser } from "./server-user.ts";

const execute = promisify(execFile);

/** Postgres reads PG… variables and the locale: it gets neither from us. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP, TMP } = hostVariables();
  const given = Object.entries({ PATH, SystemRoot, TEMP, TMP }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), LC_ALL: "C" };
}

/** Runs a program to its end. Errors: a non-zero exit, with what it printed. */
export async function run(file: string, args: string[], user: ServerUser | undefined): Promise<string> {
  const identity = user ? { uid: user.uid, gid: user.gid } : {};
  try {
    const { stdout } = await execute(file, args, { ...identity, cwd: "/", env: environment(), windowsHide: true });
    return stdout;
  } catch (error) {
    const { stderr, stdout } = error as { stderr?: string; stdout?: string };
    throw new Error(`${file} failed: ${(stderr || stdout || String(error)).trim()}`, { cause: error });
  }
}

/** Starts a program that outlives us and hears no Ctrl-C of our terminal. `log` is a file descriptor. */
export function spawnDetached(file: string, args: string[], user: ServerUser | undefined, log: number) {
  const identity = user ? { uid: user.uid, gid: user.gid } : {};
  return spawn(file, args, {
    ...identity,
    cwd: "/",
    env: environment(),
    detached: true,
    windowsHide: true,
    stdio: ["ignore", log, log],
  });
}

/** A process's command line; undefined where it cannot be had. */
export async function commandLine(host: Host, pid: number): Promise<string | undefined> {
  const source = host.describeProcess(pid);
  if ("read" in source) return readFile(source.read, "utf8").catch(() => undefined);
  const answer = await execute(source.file, source.args).catch(() => undefined);
  return answer?.stdout;
}
