import { execFileSync } from "node:child_process";
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { median } from "./measure.ts";

export interface Machine {
  cpu: string;
  cores: number;
  memoryGb: number;
  kernel: string;
  node: string;
  /** Median of fdatasync of 8 KB at the end of a file, where the databases lie; milliseconds. */
  fsyncMs: number;
  /** Processes that wanted a core in the minute before the benchmark: above 0.5 its figures are worth little. */
  loadBefore: number;
  commit: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "?",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `${process.platform} ${release()}`,
    node: process.versions.node,
    fsyncMs: Number(measureFsyncMs().toFixed(3)),
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(1)),
    commit: gitCommit(),
  };
}

/** What a durable commit costs at least: figures of two machines compare only beside it. */
function measureFsyncMs(): number {
  const path = join(tmpdir(), `gantry-bench-fsync-${process.pid}`);
  const file = openSync(path, "w");
  const block = Buffer.alloc(8192, 1);
  const times = Array.from({ length: 100 }, () => {
    const start = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    return performance.now() - start;
  });
  closeSync(file);
  rmSync(path);
  return median(times);
}

function gitCommit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8", cwd: import.meta.dirname }).trim();
  } catch {
    return "?";
  }
}
