import { readFile } from "node:fs/promises";
import { descendants } from "../../.make/demo/processes.mjs";

/** Linux counts in hundredths of a second wherever Node runs. */
const TICKS_PER_MS = 0.1;

/** What the processes and all that they started have used of the cores, in ms; 0 for what has ended. Linux only. */
export async function cpuMs(pids: number[]): Promise<number> {
  const families = await Promise.all(pids.map((pid) => descendants(pid)));
  const own = await Promise.all([...new Set(families.flat())].map(ownCpuMs));
  return own.reduce((sum, ms) => sum + ms, 0);
}

async function ownCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = stat.replace(/^.*\) /s, "").split(" ");
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return Number.isFinite(user + system) ? (user + system) / TICKS_PER_MS : 0;
}
