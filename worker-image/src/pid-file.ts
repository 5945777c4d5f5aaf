import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { type OsDifferences, osDifferences } from "./os-differences.ts";

/** Which process a runner is: pid and start time together name one process for good. */
export interface RunnerIdentity {
  pid: number;
  startedAt: string;
  workerId: string;
  /** The platform's URL that it was started with. */
  url: string;
}

/** The living runner that a pid file names; undefined where there is none. */
export async function livingRunner(
  file: string,
  os: OsDifferences = osDifferences(process.platform),
): Promise<RunnerIdentity | undefined> {
  const identity = await readIdentity(file);
  if (!identity) return undefined;
  return (await os.processStart(identity.pid)) === identity.startedAt ? identity : undefined;
}

/** Whether there is such a process now. */
export async function isRunning(pid: number, os: OsDifferences = osDifferences(process.platform)): Promise<boolean> {
  return (await os.processStart(pid)) !== undefined;
}

/** Memory of a runner and of what it started; undefined where the system does not say cheaply. */
export async function residentBytes(
  pid: number,
  os: OsDifferences = osDifferences(process.platform),
): Promise<number | undefined> {
  const used = await Promise.all([pid, ...os.descendants(pid)].map((each) => os.memory(each)));
  if (used[0] === undefined) return undefined;
  return used.reduce((sum, one) => sum + (one?.rssBytes ?? 0), 0);
}

async function readIdentity(file: string): Promise<RunnerIdentity | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as RunnerIdentity;
  } catch {
    return undefined;
  }
}

/** Writes this process into the file, unless a living runner is named there: returns that one instead. */
export async function claimPidFile(
  file: string,
  runner: Pick<RunnerIdentity, "workerId" | "url">,
  os: OsDifferences,
): Promise<RunnerIdentity | undefined> {
  const other = await livingRunner(file, os);
  if (other && other.pid !== process.pid) return other;
  const startedAt = (await os.processStart(process.pid)) ?? "";
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, JSON.stringify({ pid: process.pid, startedAt, ...runner } satisfies RunnerIdentity));
  await rename(draft, file);
  return undefined;
}

/** Removes the file where it is still this process's. */
export async function releasePidFile(file: string): Promise<void> {
  if ((await readIdentity(file))?.pid === process.pid) await rm(file, { force: true });
}
