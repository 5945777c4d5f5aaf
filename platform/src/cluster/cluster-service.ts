import type { CheckpointNode, CheckpointStore } from "../checkpoints/checkpoint-store.ts";
import type { Clock } from "../clock.ts";
import type { DeploymentCatalog } from "../deployments/deployment-catalog.ts";
import { ExpiringCache } from "../projects/expiring-cache.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { ClusterSight, SeenWorker } from "./cluster-sight.ts";
import type { Executor } from "./executor.ts";

/** Dashboards look often, and many at once: the cluster is asked once in so long. */
const FRESH_MS = 2_000;
const MAX_ENVIRONMENTS = 1_000;

export interface ClusterView extends Omit<ClusterSight, "workers"> {
  executor: "process" | "kubernetes" | "none";
  problem: string | undefined;
  observedAt: Date;
  workers: (SeenWorker & { executions: number })[];
  /** Undefined where runs are not executed on a cluster. */
  checkpoints: { isEnabled: boolean; problem: string | undefined; nodes: CheckpointNode[] } | undefined;
}

/** What executes an environment's runs now. Looks, and changes nothing. */
export interface ClusterService {
  view(environment: EnvironmentRef): Promise<ClusterView>;
}

export interface ClusterDeps {
  executor: Pick<Executor, "name" | "look">;
  /** Why runs cannot start; undefined where they can. */
  problem: (() => string | undefined) | undefined;
  catalog: Pick<DeploymentCatalog, "byId">;
  /** Live executions of an environment that are on workers, by deployment. */
  executions(environmentId: number): Promise<Map<string, number>>;
  checkpoints: Pick<CheckpointStore, "nodes">;
  /** Whether there are workers that may store their task's process. */
  storesProcesses: boolean;
  /** Why none can be had all the same. */
  checkpointProblem?: (() => string | undefined) | undefined;
  clock: Clock;
}

export function createClusterService(deps: ClusterDeps): ClusterService {
  const { executor, problem, catalog, executions, clock } = deps;
  const cache = new ExpiringCache<number, ClusterView>({ clock, ttlMs: FRESH_MS, maxEntries: MAX_ENVIRONMENTS });
  return { view: (environment) => cache.get(environment.id, () => look(environment)) };

  async function look(environment: EnvironmentRef): Promise<ClusterView> {
    const kind = executor.name === "process" || executor.name === "kubernetes" ? executor.name : "none";
    const [sight, counts, checkpoints] = await Promise.all([
      seen(environment),
      executions(environment.id),
      checkpointsOf(kind),
    ]);
    const workers = await Promise.all(sight.workers.map((worker) => ownWorker(environment, worker, counts)));
    return {
      executor: kind,
      problem: problem?.() ?? sight.problem,
      observedAt: new Date(clock.now()),
      workers: workers.filter((worker) => worker !== undefined),
      isTruncated: sight.isTruncated,
      nodes: sight.nodes,
      checkpoints,
    };
  }

  async function checkpointsOf(kind: ClusterView["executor"]): Promise<ClusterView["checkpoints"]> {
    const isEnabled = deps.storesProcesses;
    if (kind !== "kubernetes" && !isEnabled) return undefined;
    const problem = isEnabled ? deps.checkpointProblem?.() : undefined;
    return { isEnabled, problem, nodes: isEnabled ? await deps.checkpoints.nodes() : [] };
  }

  /** A cluster that does not answer is what there is to see. */
  async function seen(environment: EnvironmentRef): Promise<ClusterSight & { problem?: string }> {
    try {
      return await executor.look(environment);
    } catch (error) {
      const { message } = error as Error;
      return {
        workers: [],
        isTruncated: false,
        nodes: undefined,
        problem: `The cluster could not be looked at: ${message}`,
      };
    }
  }

  /** Processes of this machine serve other environments too. */
  async function ownWorker(environment: EnvironmentRef, worker: SeenWorker, counts: Map<string, number>) {
    if (worker.deploymentId === undefined)
      return { ...worker, executions: worker.phase === "RUNNING" || worker.phase === "PENDING" ? 1 : 0 };
    const deployment = await catalog.byId(worker.deploymentId);
    if (deployment?.environmentId !== environment.id) return undefined;
    return { ...worker, version: deployment.version, executions: counts.get(worker.deploymentId) ?? 0 };
  }
}
