import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { CliError } from "../cli-error.ts";

/**
 * Makes sure that one `gantry dev` uses a data folder: two would fight for the database in it.
 *
 * Returns the release. Error: ALREADY_RUNNING, with the other's process id.
 */
export function takeDevLock(dataDir: string): () => void {
  const file = join(dataDir, "dev.lock");
  mkdirSync(dirname(file), { recursive: true });
  for (let tries = 0; tries < 3; tries++) {
    if (create(file)) return () => rmSync(file, { force: true });
    const owner = Number(readOwner(file));
    if (isAlive(owner)) throw alreadyRunning(owner);
    // Its owner was killed.
    rmSync(file, { force: true });
  }
  throw alreadyRunning(undefined);
}

function create(file: string): boolean {
  try {
    const descriptor = openSync(file, "wx");
    writeSync(descriptor, String(process.pid));
    closeSync(descriptor);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function readOwner(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Whether a process with that id exists; true also where it belongs to somebody else. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function alreadyRunning(pid: number | undefined): CliError {
  return new CliError(
    "ALREADY_RUNNING",
    `\`gantry dev\` runs in this project already${pid === undefined ? "" : ` (process ${pid})`}.`,
    { remedy: "Use that one, or stop it first with Ctrl-C in its terminal." },
  );
}
