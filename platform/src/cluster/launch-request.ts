import { wantsProcessCheckpoints } from "@gantry/sdk/contract";
import type { CheckpointNode, CheckpointStore } from "../checkpoints/checkpoint-store.ts";
import { type CatalogedDeployment, checkpointOf, type DeploymentCatalog } from "../deployments/deployment-catalog.ts";
import { type Machines, presetOf } from "../deployments/machines.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { AwaitedExecution } from "../runs/run-store.ts";
import type { LaunchRequest, RestoreRequest } from "./executor.ts";

export interface LaunchDeps {
  catalog: DeploymentCatalog;
  machines: Machines;
  environmentById(id: number): Promise<EnvironmentRef | undefined>;
  /** Left out where no process is stored or brought back: an onFailure hook has no memory of its run's. */
  checkpoints?: Pick<CheckpointStore, "restoreNeeds" | "nodes"> | undefined;
}

/** Without those whose version or environment is gone, or lacks the task. */
export async function launchRequestsOf(deps: LaunchDeps, awaited: AwaitedExecution[]): Promise<LaunchRequest[]> {
  const { checkpoints } = deps;
  // A hundred stored processes that wake together ask what is known of nodes once.
  let nodes: Promise<CheckpointNode[]> | undefined;
  const once = checkpoints && {
    restoreNeeds: (environmentId: number, runId: string) => checkpoints.restoreNeeds(environmentId, runId),
    nodes: () => (nodes ??= checkpoints.nodes()),
  };
  const requests = await Promise.all(awaited.map((one) => launchRequestOf({ ...deps, checkpoints: once }, one)));
  return requests.filter((request) => request !== undefined);
}

/** Undefined where the execution's version or environment is gone, or lacks the task. */
export async function launchRequestOf(deps: LaunchDeps, awaited: AwaitedExecution): Promise<LaunchRequest | undefined> {
  const deployment = await deps.catalog.byId(awaited.deploymentId);
  const environment = await deps.environmentById(awaited.environmentId);
  const task = taskOf(deployment, awaited.taskId);
  if (deployment === undefined || environment === undefined || task === undefined) return undefined;
  const { executionId, runId, taskId, attempt, startDeadlineAt } = awaited;
  const restore = await restoreRequest(deps, awaited);
  const mayStore = deps.checkpoints !== undefined && wantsProcessCheckpoints(checkpointOf(deployment.manifest, task));
  return {
    executionId,
    runId,
    taskId,
    attempt,
    machine: presetOf(deps.machines, deployment.manifest, task, awaited.machine),
    podTemplate: task.podTemplate,
    storesProcess: mayStore || restore !== undefined,
    restore,
    deployment,
    environment,
    epoch: epochOf(awaited.fence),
    startDeadlineAt,
  };
}

async function restoreRequest(
  { checkpoints }: LaunchDeps,
  { environmentId, runId, hasCheckpoint }: AwaitedExecution,
): Promise<RestoreRequest | undefined> {
  if (checkpoints === undefined || !hasCheckpoint) return undefined;
  const [needs, nodes] = await Promise.all([checkpoints.restoreNeeds(environmentId, runId), checkpoints.nodes()]);
  return needs && { ...needs, nodes };
}

function taskOf(deployment: CatalogedDeployment | undefined, taskId: string) {
  return deployment?.tasks.get(taskId)?.declaration;
}

/** A fence begins with the cluster's epoch; `admit` (prisma/migrations) makes it. */
function epochOf(fence: string): number {
  return Number(BigInt(fence) >> 32n);
}
