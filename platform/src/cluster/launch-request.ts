import type { CatalogedDeployment, DeploymentCatalog } from "../deployments/deployment-catalog.ts";
import { type Machines, presetOf } from "../deployments/machines.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { AwaitedExecution } from "../runs/run-store.ts";
import type { LaunchRequest } from "./executor.ts";

export interface LaunchDeps {
  catalog: DeploymentCatalog;
  machines: Machines;
  environmentById(id: number): Promise<EnvironmentRef | undefined>;
}

/** Undefined where the execution's version or environment is gone, or lacks the task. */
export async function launchRequestOf(deps: LaunchDeps, awaited: AwaitedExecution): Promise<LaunchRequest | undefined> {
  const deployment = await deps.catalog.byId(awaited.deploymentId);
  const environment = await deps.environmentById(awaited.environmentId);
  const task = taskOf(deployment, awaited.taskId);
  if (deployment === undefined || environment === undefined || task === undefined) return undefined;
  const { executionId, runId, taskId, attempt, startDeadlineAt } = awaited;
  return {
    executionId,
    runId,
    taskId,
    attempt,
    machine: presetOf(deps.machines, deployment.manifest, task, awaited.machine),
    podTemplate: task.podTemplate,
    deployment,
    environment,
    epoch: epochOf(awaited.fence),
    startDeadlineAt,
  };
}

function taskOf(deployment: CatalogedDeployment | undefined, taskId: string) {
  return deployment?.tasks.get(taskId)?.declaration;
}

/** A fence begins with the cluster's epoch; `admit` (prisma/migrations) makes it. */
function epochOf(fence: string): number {
  return Number(BigInt(fence) >> 32n);
}
