import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DEFAULT_MACHINE } from "@gantry/sdk/contract";
import { type ClusterSight, NOTHING_SEEN } from "../../cluster/cluster-sight.ts";
import type { WorkerCredentials } from "../../cluster/credentials.ts";
import type { ExecutableDeployment, Executor, LaunchRequest } from "../../cluster/executor.ts";
import { encodeId, newUuid } from "../../ids.ts";
import { DeploymentRunner, type RunnerLog, type RunnerStart, type RunnerSurroundings } from "./deployment-runner.ts";
import { processTree } from "./process-tree.ts";
import type { Variables } from "./runner-environment.ts";
import { seenRunner } from "./seen-runner.ts";

export interface ProcessExecutorOptions {
  /** Folder for the runners' files, one per deployment: kept between starts of the platform, which finds its runners there. */
  workersDir: string;
  /** Base URL at which runners reach this platform. Asked for when a runner starts, since the port may be found late. */
  platformUrl: () => string;
  credentials: Pick<WorkerCredentials, "issueWorkerToken">;
  /** Milliseconds since a runner of this version was connected; 0 while one is. */
  absentMs: (deploymentId: string) => number;
  /** A runner that lives but has been absent for so long is replaced: its runs are others' by then. */
  replaceAfterMs: number;
  /** The platform's own environment: tasks get it, less the platform's settings. */
  environment: Variables;
  /** The environment's own variables: a runner has those of its start, below the project's env files. */
  variables?: (environmentId: number) => Promise<Record<string, string>>;
  log: RunnerLog;
  /** Processes kept booted ahead for each version. */
  poolSize: number;
  /** Reuse processes even where the version does not ask for it. */
  keepAlive: boolean;
  /** The runner's program; the installed @gantry/worker's by default. */
  runnerFile?: string;
}

const DEFAULT_CONCURRENCY = 25;

/** Workers as processes on this machine: one detached runner per deployment, adopted again after a restart of the platform. */
export class ProcessExecutor implements Executor {
  readonly name = "process";
  readonly launchesEach = false;
  readonly #options: ProcessExecutorOptions;
  readonly #around: RunnerSurroundings;
  readonly #runners = new Map<string, DeploymentRunner>();
  readonly #concurrency = new Map<string, number>();

  constructor(options: ProcessExecutorOptions) {
    this.#options = options;
    this.#around = {
      runnerFile: options.runnerFile ?? installedRunner(),
      environment: options.environment,
      tree: processTree(process.platform),
      absentMs: options.absentMs,
      replaceAfterMs: options.replaceAfterMs,
      log: options.log,
    };
  }

  async launch(requests: LaunchRequest[]): Promise<void> {
    const deployments = new Map(requests.map(({ deployment }) => [deployment.id, deployment]));
    await Promise.all([...deployments.values()].map((deployment) => this.#ensure(deployment)));
  }

  async prepare(deployment: ExecutableDeployment, concurrency: number): Promise<void> {
    this.#concurrency.set(deployment.id, concurrency);
    await this.#ensure(deployment);
  }

  async retire(deploymentId: string): Promise<void> {
    await this.#runner(deploymentId).retire();
    this.#runners.delete(deploymentId);
    this.#concurrency.delete(deploymentId);
  }

  /** Nothing to do here: its runner learns it with the next heartbeat, and gives up by itself when it cannot reach us. */
  async abandon(_executionId: string): Promise<void> {}

  /** Processes of this machine alone, of whatever environment; versions without one are not shown. */
  async look(): Promise<ClusterSight> {
    const seen = await Promise.all(
      (await this.#known()).map((id) => seenRunner(join(this.#options.workersDir, id), id)),
    );
    const workers = seen.filter((worker) => worker !== undefined);
    workers.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
    return { ...NOTHING_SEEN, workers };
  }

  async stop(mode: "drain" | "kill" | "leave"): Promise<void> {
    if (mode === "leave") return;
    for (const id of await this.#known()) this.#runner(id);
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop(mode)));
  }

  async #ensure(deployment: ExecutableDeployment): Promise<void> {
    const { source } = deployment;
    if (source.kind !== "local")
      throw new Error(`the process executor runs local bundles, not ${source.kind} (version ${deployment.version})`);
    await this.#runner(deployment.id).ensure(() => this.#start(deployment, source));
  }

  #start(
    deployment: ExecutableDeployment,
    source: Extract<ExecutableDeployment["source"], { kind: "local" }>,
  ): RunnerStart {
    const { credentials, platformUrl, poolSize, keepAlive } = this.#options;
    const { id, environmentId, manifest } = deployment;
    const workerId = encodeId("worker", newUuid());
    const concurrency = this.#concurrency.get(id) ?? DEFAULT_CONCURRENCY;
    return {
      cwd: source.projectDir,
      bundleDir: source.bundleDir,
      url: platformUrl(),
      envFiles: source.envFiles,
      kept: async () => (await this.#options.variables?.(environmentId)) ?? {},
      variables: {
        GANTRY_API_URL: platformUrl(),
        GANTRY_BUNDLE_DIR: source.bundleDir,
        GANTRY_BUNDLE_ENTRY: manifest.entry,
        GANTRY_PROCESS_KEEP_ALIVE: String(keepAlive || manifest.processKeepAlive),
        ...(manifest.mayWait === false ? { GANTRY_WORKER_WATCHES: "false" } : {}),
        GANTRY_WORKER_URL: platformUrl(),
        GANTRY_WORKER_ID: workerId,
        GANTRY_WORKER_TOKEN: credentials.issueWorkerToken({ workerId, environmentId, deploymentId: id }),
        GANTRY_WORKER_CONCURRENCY: String(concurrency),
        GANTRY_WORKER_POOL: String(Math.min(poolSize, concurrency)),
        GANTRY_WORKER_MACHINE: manifest.defaultMachine ?? DEFAULT_MACHINE,
      },
    };
  }

  #runner(deploymentId: string): DeploymentRunner {
    let runner = this.#runners.get(deploymentId);
    if (!runner) {
      runner = new DeploymentRunner(deploymentId, join(this.#options.workersDir, deploymentId), this.#around);
      this.#runners.set(deploymentId, runner);
    }
    return runner;
  }

  /** Deployments that had a runner once, by this platform or one before it. */
  async #known(): Promise<string[]> {
    return readdir(this.#options.workersDir).catch(() => []);
  }
}

function installedRunner(): string {
  const manifest = createRequire(import.meta.url).resolve("@gantry/worker/package.json");
  return join(dirname(manifest), "dist", "runner.js");
}
