import { readFile } from "node:fs/promises";
import { hostname, release } from "node:os";
import type { NodeFeatures } from "@gantry/sdk/contract";

/** What a process that is stored here relies upon. `node`: its name in the cluster, where it was told. */
export async function nodeFeatures(node: string | undefined): Promise<NodeFeatures> {
  const cpuinfo = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  return { node: node ?? hostname(), arch: process.arch, kernel: release(), cpuFlags: cpuFlags(cpuinfo) };
}

/** Of the first processor: `flags` on x86, `Features` on ARM. Sorted. Pure. */
export function cpuFlags(cpuinfo: string): string[] {
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? "";
  return [...new Set(flags.split(/\s+/).filter(Boolean))].sort();
}
