import type { Grant } from "@gantry/sdk/contract";
import type { CheckpointStore } from "../checkpoints/checkpoint-store.ts";
import { type CatalogedDeployment, checkpointOf, type DeploymentCatalog } from "../deployments/deployment-catalog.ts";
import { type Machines, presetOf } from "../deployments/machines.ts";
import { encodeId } from "../ids.ts";
import type { JournalStore } from "../journal/journal-store.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { AdmittedRun } from "../runs/run-store.ts";
import type { WorkerCredentials } from "./credentials.ts";

export interface GrantDeps {
  catalog: DeploymentCatalog;
  credentials: WorkerCredentials;
  machines: Machines;
  journals: Pick<JournalStore, "load">;
  checkpoints: Pick<CheckpointStore, "restoreGrant">;
  environmentById(id: number): Promise<EnvironmentRef | undefined>;
}

/** Everything the worker needs to run an admitted run's current attempt; undefined where its version or environment is gone, or lacks the task. */
export async function grantOf(deps: GrantDeps, environmentId: number, run: AdmittedRun): Promise<Grant | undefined> {
  const deployment = await deps.catalog.byId(run.deploymentId);
  const environment = await deps.environmentById(environmentId);
  if (environment === undefined || !deployment?.tasks.has(run.taskId)) return undefined;
  const restore = run.hasCheckpoint ? await deps.checkpoints.restoreGrant(environmentId, run.runId) : undefined;
  // A process that is brought back has its journal in its memory, and its worker asks for what came after `known`.
  const isReplayed = run.hasJournal && restore === undefined;
  const journal = isReplayed ? await deps.journals.load(environmentId, run.runId) : undefined;
  const left = run.maxDurationMs === undefined ? undefined : Math.max(0, run.maxDurationMs - run.computeMs);
  return {
    executionId: run.executionId,
    fence: run.fence,
    attempt: run.attempt,
    runToken: deps.credentials.issueRunToken({
      environmentId,
      runId: encodeId("run", run.runId),
      executionId: run.executionId,
      fence: run.fence,
    }),
    ...(left === undefined ? {} : { remainingComputeMs: left }),
    run: runOf(run, deployment),
    ...(journal === undefined ? {} : { journal }),
    ...(restore === undefined ? {} : { restore }),
    checkpoint: checkpointOf(deployment.manifest, deployment.tasks.get(run.taskId)?.declaration),
    queue: { id: `queue_${run.queueId}`, name: await deps.catalog.queueName(run.queueId) },
    machine: presetOf(deps.machines, deployment.manifest, deployment.tasks.get(run.taskId)?.declaration, run.machine),
    environment: { id: environment.publicId, slug: environment.slug, type: environment.type },
    project: { id: environment.projectId, ref: environment.projectRef, name: environment.projectName },
    deployment: { id: encodeId("deployment", deployment.id), version: deployment.version },
  };
}

function runOf(run: AdmittedRun, deployment: CatalogedDeployment): Grant["run"] {
  return {
    id: encodeId("run", run.runId),
    taskId: run.taskId,
    payload: run.payload.data.toString("utf8"),
    payloadType: run.payload.type,
    tags: run.tags,
    isTest: run.isTest,
    createdAt: run.createdAt.getTime(),
    startedAt: (run.startedAt ?? run.createdAt).getTime(),
    maxAttempts: run.maxAttempts,
    priority: run.priorityMs / 1000,
    depth: run.depth,
    version: deployment.version,
    ...(run.metadata === undefined ? {} : { metadata: run.metadata.toString("utf8") }),
    ...(run.idempotencyKey === undefined ? {} : { idempotencyKey: run.idempotencyKey }),
    ...(run.maxDurationMs === undefined ? {} : { maxDurationMs: run.maxDurationMs }),
    ...(run.concurrencyKey === undefined ? {} : { concurrencyKey: run.concurrencyKey }),
    ...(run.parentRunId === undefined ? {} : { parentRunId: encodeId("run", run.parentRunId) }),
    ...(run.rootRunId === undefined ? {} : { rootRunId: encodeId("run", run.rootRunId) }),
    ...(run.batchId === undefined ? {} : { batchId: encodeId("batch", run.batchId) }),
  };
}
