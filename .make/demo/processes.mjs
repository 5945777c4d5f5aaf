import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";

/** What differs between systems: how to list every process with its parent. Dead ones that wait for their parent do not count. */
const LISTINGS = {
  linux: async () =>
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap(readStat),
  darwin: () => command("ps", ["-A", "-o", "pid=,ppid="]),
  win32: () =>
    command("powershell", [
      "-NoProfile",
      "-Command",
      'Get-CimInstance Win32_Process | ForEach-Object { "$($_.ProcessId) $($_.ParentProcessId)" }',
    ]),
};
const listProcesses = LISTINGS[process.platform] ?? LISTINGS.darwin;

/** Process ids that came from `pid`, itself included, as the system knows them now. */
export async function descendants(pid) {
  const parents = await listProcesses();
  const family = new Set([pid]);
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const [child, parent] of parents) if (family.has(parent)) family.add(child);
  }
  return [...family];
}

/** Those of `pids` that still run. */
export async function livingOf(pids) {
  const living = new Set((await listProcesses()).map(([pid]) => pid));
  return pids.filter((pid) => living.has(pid));
}

function readStat(name) {
  try {
    const [state, parent] = readFileSync(`/proc/${name}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return state === "Z" ? [] : [[Number(name), Number(parent)]];
  } catch {
    return [];
  }
}

async function command(program, args) {
  const { stdout } = await promisify(execFile)(program, args);
  return stdout
    .trim()
    .split(/\r?\n/)
    .map((line) => line.trim().split(/\s+/).map(Number));
}
