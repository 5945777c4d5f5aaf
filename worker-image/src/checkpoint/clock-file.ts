import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A page: the task process has it mapped, so its size may not change. */
const BYTES = 4096;

export function clockFileIn(runsDir: string): string {
  return join(runsDir, "clock");
}

/**
 * The file whose first eight bytes are added to the monotonic clocks of the task process (native/preload.c): zero until a process
 * is brought back. Nanoseconds.
 */
export async function ensureClockFile(path: string): Promise<void> {
  await writeFile(path, Buffer.alloc(BYTES), { flag: "wx", mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

export async function writeClockOffset(path: string, ns: bigint): Promise<void> {
  const page = Buffer.alloc(BYTES);
  page.writeBigInt64LE(ns);
  await writeFile(path, page, { mode: 0o600 });
}

/** The task process's monotonic clock now. */
export async function monotonicOf(path: string): Promise<bigint> {
  const offset = (await readFile(path)).readBigInt64LE();
  return process.hrtime.bigint() + offset;
}
