import type { Grant } from "@gantry/sdk/contract";
import type { ConnectedWorkers } from "../cluster/connected-workers.ts";
import type { Dispatch } from "../cluster/dispatch.ts";
import type { Executor } from "../cluster/executor.ts";
import { type GrantDeps, grantOf } from "../cluster/grants.ts";
import { launchRequestOf } from "../cluster/launch-request.ts";
import { decodeId } from "../ids.ts";
import type { RunDetail } from "../runs/run.ts";
import type { AdmittedRun, ClaimedHook, RunStore } from "../runs/run-store.ts";
import type { Loop } from "./loop.ts";

const BATCH = 20;
/** A hook changes no run: there is nothing to fence. */
const HOOK_FENCE = "0";
/** How long a hook that no worker could take lets others go first; a worker that boots takes about as long. */
const AGAIN_MS = 1000;

export interface FailureHookDeps extends GrantDeps {
  store: RunStore;
  dispatch: Dispatch;
  workers: Pick<ConnectedWorkers, "waitingOwn">;
  executor: Executor;
  /** Milliseconds that a worker has to come. */
  startDeadlineMs: number;
}

/**
 * Runs the task's onFailure, once, in a fresh process, for runs that ended without their own: CRASHED, SYSTEM_FAILURE,
 * TIMED_OUT, EXPIRED. Hooks hold no slot: they are short and the run has ended.
 */
export function failureHookLoop(deps: FailureHookDeps): Loop {
  return {
    name: "failure-hooks",
    everyMs: 1000,
    leaderOnly: false,
    role: "api",
    async tick() {
      // Another replica may take turn after turn at a hook whose worker is connected here.
      const claimed = await deps.store.claimFailureHooks(BATCH, deps.workers.waitingOwn());
      const outcomes = await Promise.allSettled(claimed.map((hook) => deliver(deps, hook)));
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === "rejected")
          await deps.store.releaseFailureHook((claimed[index] as ClaimedHook).executionId, AGAIN_MS);
      }
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      return claimed.length === BATCH ? 0 : undefined;
    },
  };
}

async function deliver(deps: FailureHookDeps, hook: ClaimedHook): Promise<void> {
  const run = await deps.store.retrieve(hook.environmentId, hook.runId);
  const deployment = await deps.catalog.byId(hook.deploymentId);
  const declaration = run === undefined ? undefined : deployment?.tasks.get(run.taskId)?.declaration;
  if (run === undefined || deployment === undefined || declaration?.hasOnFailure !== true) {
    await deps.store.finishFailureHook(hook.executionId);
    return;
  }
  const grant = await hookGrant(deps, hook, run);
  if (grant !== undefined && isTaken(deps, hook, grant)) return;
  await deps.store.releaseFailureHook(hook.executionId, AGAIN_MS);
  // A process of its own, and gone at once: nothing of it is stored.
  const request = await launchRequestOf(
    { ...deps, checkpoints: undefined },
    {
      ...hook,
      fence: HOOK_FENCE,
      taskId: run.taskId,
      attempt: Math.max(1, run.attemptCount),
      machine: run.machine,
      startDeadlineAt: new Date(Date.now() + deps.startDeadlineMs),
    },
  );
  if (request !== undefined) await deps.executor.launch([request]);
}

/** The worker that was launched for the hook, else any of its version with room. */
function isTaken({ dispatch }: FailureHookDeps, hook: ClaimedHook, grant: Grant): boolean {
  return (
    dispatch.offerToOwn(hook.executionId, grant, hook.runId) ||
    dispatch.offer(hook.environmentId, hook.deploymentId, grant, hook.runId)
  );
}

async function hookGrant(deps: FailureHookDeps, hook: ClaimedHook, run: RunDetail): Promise<Grant | undefined> {
  const uuid = (id: string | undefined) => (id === undefined ? undefined : decodeId("run", id));
  const admitted: AdmittedRun = {
    runId: hook.runId,
    executionId: hook.executionId,
    fence: HOOK_FENCE,
    direct: true,
    resumes: false,
    hasJournal: false,
    deploymentId: hook.deploymentId,
    taskId: run.taskId,
    queueId: (await deps.catalog.queueId(hook.environmentId, run.queue)) ?? 0,
    attempt: Math.max(1, run.attemptCount),
    maxAttempts: run.maxAttempts,
    payload: run.payload,
    metadata: run.metadata?.data,
    tags: run.tags,
    isTest: run.isTest,
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    idempotencyKey: run.idempotencyKey,
    maxDurationMs: undefined,
    computeMs: 0,
    priorityMs: 0,
    concurrencyKey: run.concurrencyKey,
    parentRunId: uuid(run.parentRunId),
    rootRunId: uuid(run.rootRunId),
    depth: run.depth,
    batchId: run.batchId === undefined ? undefined : decodeId("batch", run.batchId),
    machine: run.machine,
  };
  const grant = await grantOf(deps, hook.environmentId, admitted);
  if (grant === undefined) return undefined;
  return { ...grant, run: { ...grant.run, failureHook: { status: hook.status, error: hook.error } } };
}
