import { join, resolve } from "node:path";
import { NoExecutor } from "./adapters/memory/no-executor.ts";
import { ProcessExecutor } from "./adapters/process/process-executor.ts";
import type { WorkerCredentials } from "./cluster/credentials.ts";
import type { Executor } from "./cluster/executor.ts";
import type { Leadership } from "./cluster/leadership.ts";
import { parseQuantities } from "./cluster/resource-quantity.ts";
import type { WorkerObservations } from "./cluster/worker-observations.ts";
import { type Config, ConfigError } from "./config.ts";
import type { Logger } from "./logging.ts";
import type { VariablesService } from "./projects/variables-service.ts";

export interface ExecutorDeps {
  config: Config;
  credentials: WorkerCredentials;
  leadership: Leadership;
  observations: WorkerObservations;
  /** The platform's own address, once it is known. */
  ownUrl(): string;
  /** See WorkerChannel. */
  absentMs(deploymentId: string): number;
  /** The platform's own environment. */
  environment: Readonly<Record<string, string | undefined>>;
  variables: Pick<VariablesService, "resolve">;
  logger: Logger;
}

/** The executor, what it begins once the platform can be reached, and how long it may take to bring a worker. */
export interface ChosenExecutor {
  executor: Executor;
  start(): Promise<void>;
  /** Milliseconds; undefined is the store's own. */
  startDeadlineMs: number | undefined;
  /** Why runs cannot start now; undefined where this executor needs no cluster. */
  problem?: () => string | undefined;
  /** Why processes of runs cannot be stored, though that is switched on; undefined where nothing is known to be wrong. */
  checkpointProblem?: () => string | undefined;
}

/** A runner that has lost the platform tries again every 7.5 s at the least. */
const SLOWEST_RECONNECT_MS = 10_000;
/** An executor says itself why a pod does not start; the deadline only ends what nobody saw. */
const BEYOND_EVERY_LIMIT_MS = 300_000;

/** Where workers come from, as the settings say. */
export async function chooseExecutor(deps: ExecutorDeps): Promise<ChosenExecutor> {
  switch (deps.config.executor) {
    case "none":
      return { executor: new NoExecutor(), start: async () => undefined, startDeadlineMs: undefined };
    case "process":
      return { executor: processExecutor(deps), start: async () => undefined, startDeadlineMs: undefined };
    case "kubernetes":
      return kubernetesExecutor(deps);
  }
}

function processExecutor(deps: ExecutorDeps): Executor {
  const { config, credentials, absentMs, environment, variables, logger } = deps;
  return new ProcessExecutor({
    workersDir: config.runsDir ?? join(resolve(config.dataDir), "workers"),
    platformUrl: () => config.publicUrl ?? deps.ownUrl(),
    credentials,
    absentMs,
    replaceAfterMs: Math.max(config.leaseTtlMs, SLOWEST_RECONNECT_MS),
    environment,
    variables: (environmentId) => variables.resolve(environmentId),
    log: logger,
    poolSize: config.processPoolSize,
    keepAlive: config.processKeepAlive,
  });
}

/** Its client is loaded only here: it would cost every laptop some 20 MB. */
async function kubernetesExecutor(deps: ExecutorDeps): Promise<ChosenExecutor> {
  const { KubernetesExecutor } = await import("./adapters/kubernetes/kubernetes-executor.ts");
  const { config, credentials, observations, leadership, logger } = deps;
  const limits = {
    unschedulableMs: config.kubernetesUnschedulableMs,
    neverFitsMs: config.kubernetesNeverFitsMs,
    imagePullMs: config.kubernetesImagePullMs,
    podStartMs: config.kubernetesPodStartMs,
  };
  const executor = new KubernetesExecutor({
    namespace: required(config.kubernetesNamespace, "KUBERNETES_NAMESPACE", "the runs' namespace"),
    checkpoints:
      config.checkpointNamespace === undefined
        ? undefined
        : { namespace: config.checkpointNamespace, nodeSelector: config.checkpointNodeSelector ?? {} },
    kubeconfig: config.kubernetesKubeconfig,
    instance: config.kubernetesInstance,
    platformUrl: () => config.internalUrl ?? config.publicUrl ?? deps.ownUrl(),
    registry: required(config.registryPullUrl, "REGISTRY_PULL_URL", "where nodes pull versions' images from"),
    templates: config.kubernetesTemplates ?? {},
    limits,
    largestNode: config.kubernetesLargestNode === undefined ? undefined : parseQuantities(config.kubernetesLargestNode),
    finishedTtlMs: config.kubernetesFinishedTtlMs,
    failedTtlMs: config.kubernetesFailedTtlMs,
    qps: config.kubernetesQps,
    credentials,
    observations,
    leadership,
    log: logger,
  });
  return {
    executor,
    start: () => executor.start(),
    problem: () => executor.problem,
    checkpointProblem: () => executor.checkpointProblem,
    startDeadlineMs: Math.max(...Object.values(limits)) + BEYOND_EVERY_LIMIT_MS,
  };
}

function required(value: string | undefined, name: string, what: string): string {
  if (value !== undefined) return value;
  throw new ConfigError(`GANTRY_PLATFORM_EXECUTOR=kubernetes needs GANTRY_PLATFORM_${name}: ${what}.`);
}
