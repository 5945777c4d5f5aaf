import type { NodeFeatures } from "./process-checkpoint.ts";

/** Why a process stored on `from` must not be restored on `to`, in words; undefined where it may. Pure. */
export function whyNotRestorableOn(from: NodeFeatures, to: NodeFeatures): string | undefined {
  if (from.arch !== to.arch) return `it was stored on ${from.arch}, and ${to.node} is ${to.arch}`;
  const [wanted, has] = [kernelOf(from.kernel), kernelOf(to.kernel)];
  if (has[0] < wanted[0] || (has[0] === wanted[0] && has[1] < wanted[1]))
    return `it was stored on Linux ${from.kernel}, and ${to.node} has the older ${to.kernel}`;
  const there = new Set(to.cpuFlags);
  const missing = from.cpuFlags.filter((flag) => !there.has(flag));
  if (missing.length === 0) return undefined;
  const named = missing.slice(0, 5).join(", ");
  return `the processor of ${to.node} lacks ${named}${missing.length > 5 ? ` and ${missing.length - 5} more` : ""}`;
}

function kernelOf(release: string): [number, number] {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return [Number(major), Number(minor)];
}
