import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { livingRunner, residentBytes } from "@gantry/worker/pid-file";
import type { SeenWorker } from "../../cluster/cluster-sight.ts";

/** The runner that a version's folder names; undefined where none lives. */
export async function seenRunner(dir: string, deploymentId: string): Promise<SeenWorker | undefined> {
  const file = join(dir, "runner.json");
  const runner = await livingRunner(file);
  if (runner === undefined) return undefined;
  const [claimedAt, bytes] = await Promise.all([
    stat(file).then(
      ({ mtime }) => mtime.toISOString(),
      () => new Date(0).toISOString(),
    ),
    residentBytes(runner.pid),
  ]);
  return {
    name: runner.workerId,
    kind: "process",
    phase: "RUNNING",
    reason: null,
    message: null,
    deploymentId,
    version: null,
    runId: null,
    taskIdentifier: null,
    node: hostname(),
    restarts: 0,
    pid: runner.pid,
    memoryBytes: bytes ?? null,
    createdAt: claimedAt,
    startedAt: claimedAt,
    pods: [],
    warnings: [],
  };
}
