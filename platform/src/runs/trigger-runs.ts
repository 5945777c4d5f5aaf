import type { Limits } from "@gantry/sdk/contract";
import type { CatalogedDeployment, DeploymentCatalog } from "../deployments/deployment-catalog.ts";
import { didYouMean } from "../did-you-mean.ts";
import { AppError } from "../errors.ts";
import { decodeId, encodeId, newUuid } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { Announcements } from "./announcements.ts";
import type { TriggerRequest, TriggerResult } from "./run.ts";
import type { ExecutionRef, NewRun, RunStore } from "./run-store.ts";
import { checkTrigger, triggerDefaults } from "./trigger-policy.ts";

export interface TriggerDeps {
  store: RunStore;
  catalog: DeploymentCatalog;
  announcements: Announcements;
  limits(environment: EnvironmentRef): Promise<Limits>;
  /** The database's disk is nearly full: what is left is for what runs. */
  isStorageFull?(): boolean;
}

export interface RunsDeps extends TriggerDeps {
  /** Tells the worker that holds an execution to cancel it, or to drop it. */
  tellWorker(executionId: string, what: "cancel" | "drop", reason?: string): void;
}

/** Errors: STORAGE_FULL. */
export function demandStorage(deps: Pick<TriggerDeps, "isStorageFull">): void {
  if (deps.isStorageFull?.() !== true) return;
  throw new AppError("STORAGE_FULL", "The database's disk is nearly full; nothing new is taken.", {
    retryAfterSeconds: 30,
  });
}

/** Gather → decide → write → announce: many requests, one statement. See RunService.trigger. */
export class TriggerRuns {
  readonly #deps: TriggerDeps;
  /** Per environment: runs counted in its queues, plus those triggered since; never too small for this platform's own triggers. */
  readonly #queued = new Map<number, QueuedBound>();

  constructor(deps: TriggerDeps) {
    this.#deps = deps;
  }

  async trigger(
    environment: EnvironmentRef,
    requests: TriggerRequest[],
    fence: ExecutionRef | undefined,
  ): Promise<(TriggerResult | AppError)[]> {
    demandStorage(this.#deps);
    const limits = await this.#deps.limits(environment);
    await this.#checkQueued(environment, requests.length, limits);
    const parents = new Map<string, Promise<ParentFacts>>();
    const prepared = await Promise.all(
      requests.map((request) => this.#prepare(environment, request, limits, fence, parents).catch(asAppError)),
    );
    const runs = prepared.filter((one): one is NewRun => !(one instanceof AppError));
    const inserted = runs.length === 0 ? [] : await this.#deps.store.insert(runs);
    this.#deps.announcements.announce(inserted.map((run) => run.announcement));
    let next = 0;
    return prepared.map((one) => {
      if (one instanceof AppError) return one;
      const run = inserted[next++];
      return { runId: encodeId("run", run?.runId ?? one.id), isCached: run?.isCached ?? false };
    });
  }

  async #prepare(
    environment: EnvironmentRef,
    request: TriggerRequest,
    limits: Limits,
    fence: ExecutionRef | undefined,
    parents: Map<string, Promise<ParentFacts>>,
  ): Promise<NewRun | AppError> {
    const wrong = checkTrigger(request, limits);
    if (wrong !== undefined) return wrong;
    const place = await this.#place(environment, request);
    if (place instanceof AppError) return place;
    const parent = await this.#parent(environment, request, limits, fence, parents);
    if (parent instanceof AppError) return parent;
    const { deployment } = place;
    const defaults = triggerDefaults(request, environment, limits, deployment, deployment?.tasks.get(request.taskId));
    const isDelayed = request.delayUntil !== undefined && request.delayUntil.getTime() > Date.now();
    return {
      id: newUuid(),
      environmentId: environment.id,
      taskId: request.taskId,
      status: deployment === undefined ? "PENDING_VERSION" : isDelayed ? "DELAYED" : "QUEUED",
      queueId: place.queueId,
      concurrencyKey: request.concurrencyKey ?? "",
      priorityMs: Math.round((request.priority ?? 0) * 1000),
      payload: request.payload,
      delayUntil: isDelayed ? request.delayUntil : undefined,
      // Only a run that asked for a version is locked before it starts.
      deploymentId: request.version === undefined ? undefined : deployment?.id,
      requestedVersion: request.version,
      idempotencyKey: request.idempotencyKey,
      idempotencyTtlMs: request.idempotencyKeyTtlMs ?? limits.idempotencyKeyTtlMs,
      idempotencyOptions: request.idempotencyKeyOptions,
      parentRunId: parent?.runId,
      rootRunId: parent?.rootRunId,
      depth: parent === undefined ? 0 : parent.depth + 1,
      batch: batchOf(request),
      replayedFromId: request.replayedFromRunId === undefined ? undefined : decodeId("run", request.replayedFromRunId),
      machine: request.machine,
      isTest: request.isTest ?? false,
      tags: [...new Set(request.tags ?? [])],
      metadata: request.metadata,
      ...defaults,
    };
  }

  /** The version that decides about the task's declaration, and the queue. */
  async #place(
    environment: EnvironmentRef,
    request: TriggerRequest,
  ): Promise<{ deployment: CatalogedDeployment | undefined; queueId: number } | AppError> {
    const { catalog } = this.#deps;
    const deployment =
      request.version === undefined
        ? await catalog.current(environment.id)
        : await catalog.byVersion(environment.id, request.version);
    if (deployment?.isImageGone && request.version !== undefined)
      return new AppError("IMAGE_GONE", `The image of version ${deployment.version} was removed.`);
    const task = deployment?.tasks.get(request.taskId);
    if (deployment !== undefined && task === undefined) {
      const like = didYouMean(request.taskId, deployment.tasks.keys());
      return new AppError(
        "TASK_NOT_FOUND",
        `Version ${deployment.version} has no task "${request.taskId}".${like === undefined ? "" : ` Did you mean "${like}"?`}`,
        {
          details: {
            taskId: request.taskId,
            version: deployment.version,
            ...(like === undefined ? {} : { didYouMean: like }),
          },
        },
      );
    }
    if (request.queue !== undefined) {
      const named = await catalog.queueId(environment.id, request.queue);
      if (named !== undefined) return { deployment, queueId: named };
      if (deployment !== undefined) return this.#unknownQueue(environment, request.queue);
    }
    return { deployment, queueId: task?.queueId ?? (await catalog.ensureTaskQueue(environment.id, request.taskId)) };
  }

  async #unknownQueue(environment: EnvironmentRef, name: string): Promise<AppError> {
    const like = didYouMean(name, await this.#deps.catalog.queueNames(environment.id));
    return new AppError(
      "QUEUE_NOT_FOUND",
      `No deployed version declares the queue "${name}".${like === undefined ? "" : ` Did you mean "${like}"?`}`,
      {
        details: { queue: name },
      },
    );
  }

  async #parent(
    environment: EnvironmentRef,
    request: TriggerRequest,
    limits: Limits,
    fence: ExecutionRef | undefined,
    parents: Map<string, Promise<ParentFacts>>,
  ): Promise<ParentFacts | AppError> {
    const runId = request.parentRunId === undefined ? undefined : decodeId("run", request.parentRunId);
    if (runId === undefined) return undefined;
    const known = parents.get(runId) ?? this.#readParent(environment, runId, limits);
    parents.set(runId, known);
    const parent = await known;
    if (
      fence !== undefined &&
      (parent?.execution?.executionId !== fence.executionId || parent.execution.fence !== fence.fence)
    ) {
      // The run of an onFailure hook has ended: what it triggers has no parent.
      if (parent === undefined && (await this.#deps.store.isFailureHook(runId, fence.executionId))) return undefined;
      return new AppError("EXECUTION_FENCED", "The run that triggers this is no longer this worker's.");
    }
    if (parent === undefined) return undefined;
    if (parent.depth + 1 > limits.treeDepth) {
      return new AppError("TREE_TOO_DEEP", `Runs may be nested ${limits.treeDepth} deep (treeDepth).`, {
        details: { limit: "treeDepth" },
      });
    }
    if (parent.full) {
      return new AppError(
        "TOO_MANY_CHILDREN",
        `A run may have ${limits.openChildrenPerRun} open children (openChildrenPerRun).`,
        {
          details: { limit: "openChildrenPerRun" },
        },
      );
    }
    return parent;
  }

  async #readParent(environment: EnvironmentRef, runId: string, limits: Limits): Promise<ParentFacts> {
    const facts = await this.#deps.store.parentFacts(environment.id, runId, limits.openChildrenPerRun);
    return facts === undefined ? undefined : { runId, ...facts };
  }

  /** Counts only when the bound says that the limit may be near, and then at most once a second. */
  async #checkQueued(environment: EnvironmentRef, more: number, limits: Limits): Promise<void> {
    const known = this.#queued.get(environment.id) ?? { bound: limits.queuedRuns, countedAt: 0 };
    this.#queued.set(environment.id, known);
    if (known.bound + more > limits.queuedRuns && Date.now() - known.countedAt > 1000) {
      known.counting ??= this.#count(environment.id, known).finally(() => {
        known.counting = undefined;
      });
    }
    // Who comes while it is counted waits for the count: the old bound may be no more than a first guess.
    await known.counting;
    if (known.bound + more > limits.queuedRuns) {
      throw new AppError(
        "QUEUE_FULL",
        `The environment has ${known.bound} queued runs; the limit (queuedRuns) is ${limits.queuedRuns}.`,
        {
          retryAfterSeconds: 5,
          details: { limit: "queuedRuns", max: limits.queuedRuns },
        },
      );
    }
    known.bound += more;
  }

  async #count(environmentId: number, known: QueuedBound): Promise<void> {
    known.bound = await this.#deps.store.countQueued(environmentId);
    known.countedAt = Date.now();
  }
}

interface QueuedBound {
  bound: number;
  countedAt: number;
  /** Under way. */
  counting?: Promise<void> | undefined;
}

type ParentFacts =
  | { runId: string; rootRunId: string; depth: number; full: boolean; execution: ExecutionRef | undefined }
  | undefined;

function batchOf(request: TriggerRequest): NewRun["batch"] {
  const id = request.batch === undefined ? undefined : decodeId("batch", request.batch.id);
  return id === undefined || request.batch === undefined ? undefined : { id, item: request.batch.index };
}

function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  throw error;
}
