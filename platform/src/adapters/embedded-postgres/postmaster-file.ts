import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What a running server writes into postmaster.pid. */
export interface PostmasterFile {
  pid: number;
  port: number;
  isReady: boolean;
}

/** Lines: pid, data folder, start time, port, socket folder, listen address, shared memory, status. Undefined where it is not one. */
export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const lines = text.split("\n");
  const pid = Number.parseInt(lines[0] ?? "", 10);
  if (!(pid > 0)) return undefined;
  return { pid, port: Number.parseInt(lines[3] ?? "", 10) || 0, isReady: lines[7]?.trim() === "ready" };
}

/** Undefined where no server has left one. */
export async function readPostmasterFile(dataDir: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(join(dataDir, "postmaster.pid"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : parsePostmasterFile(text);
}

/** Whether a process with this id exists, ours or not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
