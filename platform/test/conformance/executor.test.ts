import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MACHINE_PRESETS } from "@gantry/sdk/contract";
import { livingRunner } from "@gantry/worker/pid-file";
import { ProcessExecutor } from "../../src/adapters/process/process-executor.ts";
import type { LaunchRequest } from "../../src/cluster/executor.ts";
import { newUuid } from "../../src/ids.ts";
import { type ExecutorPlace, executorConformance } from "./executor.ts";

executorConformance("process", {
  make: processPlace,
  leavesAbandoned: "a version's runner serves its other runs too; it learns of the one with its next heartbeat",
});

/** Runners of an empty bundle, whose platform is not there: they live and look for it. */
async function processPlace(): Promise<ExecutorPlace> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-conformance-"));
  await mkdir(join(dir, "bundle"));
  await writeFile(join(dir, "bundle", "entry.mjs"), "");
  const executors: ProcessExecutor[] = [];
  return {
    async start() {
      const executor = new ProcessExecutor({
        workersDir: join(dir, "workers"),
        platformUrl: () => "http://127.0.0.1:1",
        credentials: { issueWorkerToken: () => "worker-token" },
        absentMs: () => 0,
        replaceAfterMs: 60_000,
        environment: { PATH: process.env.PATH },
        log: { info() {}, warn() {}, error() {} },
        poolSize: 0,
        keepAlive: false,
      });
      executors.push(executor);
      return executor;
    },
    request: () => requestIn(dir),
    async workersOf({ deployment }) {
      const runner = await livingRunner(join(dir, "workers", deployment.id, "runner.json"));
      return runner === undefined ? [] : [String(runner.pid)];
    },
    async close() {
      await Promise.all(executors.map((executor) => executor.stop("kill")));
      await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}

function requestIn(dir: string): LaunchRequest {
  return {
    executionId: newUuid(),
    runId: newUuid(),
    taskId: "task",
    attempt: 1,
    machine: MACHINE_PRESETS.micro,
    deployment: {
      id: newUuid(),
      environmentId: 1,
      version: "20261122.1",
      manifest: {
        manifestVersion: 1,
        sdkVersion: "0.1.0",
        runtime: "node24",
        tasks: [],
        queues: [],
        entry: "entry.mjs",
        processKeepAlive: false,
      },
      source: { kind: "local", bundleDir: join(dir, "bundle"), projectDir: dir, envFiles: [] },
    },
    environment: {
      id: 1,
      publicId: "env_1",
      slug: "dev",
      type: "DEVELOPMENT",
      projectId: "1",
      projectRef: "proj_conformance",
      projectName: "Conformance",
    },
    epoch: 1,
    startDeadlineAt: new Date(Date.now() + 60_000),
  };
}
