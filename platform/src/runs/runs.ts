import { AppError } from "../errors.ts";
import { decodeId, encodeId, newUuid } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import { explainAdmission } from "../queues/admission-policy.ts";
import { addToBatch } from "./batch-items.ts";
import { cancelTree, forceFail } from "./cancel-runs.ts";
import type {
  Explanation,
  PageRequest,
  RunDetail,
  RunFilter,
  RunPage,
  StoredRunEvent,
  TriggerRequest,
  TriggerResult,
} from "./run.ts";
import { batchUuid, runNotFound, runUuid, uuidOf } from "./run-ids.ts";
import { changeMetadata } from "./run-metadata.ts";
import type { RunService } from "./run-service.ts";
import { checkTags } from "./trigger-policy.ts";
import { demandStorage, type RunsDeps, TriggerRuns } from "./trigger-runs.ts";

/** The service behind the API; see RunService for what each method promises. */
export function createRunService(deps: RunsDeps): RunService {
  const { store } = deps;
  const triggers = new TriggerRuns(deps);
  const triggerOne = async (environment: EnvironmentRef, request: TriggerRequest): Promise<TriggerResult> => {
    const [result] = await triggers.trigger(environment, [request], undefined);
    if (result === undefined || result instanceof AppError) throw result;
    return result;
  };

  return {
    trigger: (environment, requests, fence) => triggers.trigger(environment, requests, fence),
    async isCurrent(environment, runId, execution) {
      const live = await store.liveExecution(environment.id, runUuid(runId));
      if (live?.executionId === execution.executionId && live.fence === execution.fence) return true;
      return live === undefined && store.isFailureHook(runUuid(runId), execution.executionId);
    },
    retrieve: (environment, runId) => retrieve(environment, runId),
    list: (environment, filter, page) => listRuns(deps, environment, filter, page),
    count: (environment, filter) => store.count(environment.id, storeFilter(filter)),
    cancel: (environment, runId, reason) => cancelTree(deps, environment, runUuid(runId), reason),
    async replay(environment, runId, overrides) {
      const original = await retrieve(environment, runId);
      if (original === undefined) throw runNotFound(runId);
      return triggerOne(environment, { ...replayOf(original), ...overrides });
    },
    reschedule: (environment, runId, delayUntil) => reschedule(deps, environment, runId, delayUntil),
    addTags: (environment, runId, tags) => addTags(deps, environment, runId, tags),
    updateMetadata: (environment, runId, change) => changeMetadata(deps, environment, runUuid(runId), change),
    async explain(environment, runId): Promise<Explanation | undefined> {
      const facts = await store.explainFacts(environment.id, runUuid(runId));
      if (facts === undefined) return undefined;
      return { runId, status: facts.status, reasons: explainAdmission(facts), position: facts.position };
    },
    async events(environment, runId, { after, limit }): Promise<StoredRunEvent[] | undefined> {
      if ((await retrieve(environment, runId)) === undefined) return undefined;
      return store.events(environment.id, runUuid(runId), after, limit);
    },
    forceFail: (environment, runId, reason) => forceFail(deps, environment, runUuid(runId), reason),
    async resetIdempotencyKey(environment, taskId, key) {
      return (await store.resetIdempotencyKey(environment.id, taskId, key)) > 0;
    },

    async createBatch(environment, batch) {
      demandStorage(deps);
      const created = await store.createBatch({
        id: newUuid(),
        environmentId: environment.id,
        expectedCount: batch.expectedCount,
        idempotencyKey: batch.idempotencyKey,
        parentRunId: batch.parentRunId === undefined ? undefined : decodeId("run", batch.parentRunId),
      });
      return { batchId: encodeId("batch", created.id), isCached: created.isCached };
    },
    addToBatch: (environment, batchId, items) => addToBatch(deps, triggers, environment, batchId, items),
    sealBatch: (environment, batchId) => store.sealBatch(environment.id, batchUuid(batchId)),
    retrieveBatch: (environment, batchId) => store.retrieveBatch(environment.id, batchUuid(batchId)),
    async putPacket(environment, name, packet) {
      demandStorage(deps);
      await store.putPacket(environment.id, name, packet);
    },
    getPacket: (environment, name) => store.getPacket(environment.id, name),
  };

  function retrieve(environment: EnvironmentRef, runId: string): Promise<RunDetail | undefined> {
    return store.retrieve(environment.id, runUuid(runId));
  }
}

/** The next page is asked for by the last run's id, the previous one by the first's; pages run newest first both ways. */
async function listRuns(
  deps: RunsDeps,
  environment: EnvironmentRef,
  filter: RunFilter,
  page: PageRequest,
): Promise<RunPage> {
  const rows = await deps.store.list(environment.id, storeFilter(filter), {
    size: page.size,
    ...(page.after === undefined ? {} : { after: runUuid(page.after) }),
    ...(page.before === undefined ? {} : { before: runUuid(page.before) }),
  });
  const hasMore = rows.length > page.size;
  const shown = rows.slice(0, page.size);
  if (page.before !== undefined) shown.reverse();
  const isBackwards = page.before !== undefined;
  return {
    runs: shown,
    next: isBackwards || hasMore ? shown.at(-1)?.id : undefined,
    previous: isBackwards ? (hasMore ? shown[0]?.id : undefined) : page.after === undefined ? undefined : shown[0]?.id,
  };
}

/** The same filter with UUIDs for ids. */
export function storeFilter(filter: RunFilter): RunFilter {
  const { batchId, parentRunId, rootRunId, scheduleId, bulkActionId } = filter;
  return {
    ...filter,
    ...(batchId === undefined ? {} : { batchId: batchUuid(batchId) }),
    ...(parentRunId === undefined ? {} : { parentRunId: runUuid(parentRunId) }),
    ...(rootRunId === undefined ? {} : { rootRunId: runUuid(rootRunId) }),
    ...(scheduleId === undefined ? {} : { scheduleId: uuidOf("sched", scheduleId) }),
    ...(bulkActionId === undefined ? {} : { bulkActionId: uuidOf("bulk", bulkActionId) }),
  };
}

function replayOf(original: RunDetail): TriggerRequest {
  return {
    taskId: original.taskId,
    payload: original.payload,
    queue: original.queue,
    maxAttempts: original.maxAttempts,
    priority: original.priority,
    tags: original.tags,
    isTest: original.isTest,
    replayedFromRunId: original.id,
    ...(original.concurrencyKey === undefined ? {} : { concurrencyKey: original.concurrencyKey }),
    ...(original.maxDurationMs === undefined ? {} : { maxDurationMs: original.maxDurationMs }),
    ...(original.machine === undefined ? {} : { machine: original.machine }),
    ...(original.ttlMs === undefined ? {} : { ttlMs: original.ttlMs }),
    ...(original.metadata === undefined ? {} : { metadata: original.metadata }),
  };
}

async function reschedule(
  { store }: RunsDeps,
  environment: EnvironmentRef,
  runId: string,
  delayUntil: Date,
): Promise<void> {
  const outcome = await store.reschedule(environment.id, runUuid(runId), delayUntil);
  if (outcome === "notDelayed") throw new AppError("RUN_NOT_DELAYED", `Run ${runId} is not DELAYED.`);
  if (outcome === "done") return;
  if ((await store.retrieve(environment.id, runUuid(runId))) === undefined) throw runNotFound(runId);
  throw new AppError("RUN_NOT_DELAYED", `Run ${runId} has ended.`);
}

async function addTags(deps: RunsDeps, environment: EnvironmentRef, runId: string, tags: string[]): Promise<string[]> {
  const limits = await deps.limits(environment);
  const wrong = checkTags([...new Set(tags)], limits);
  if (wrong !== undefined) throw wrong;
  const result = await deps.store.addTags(environment.id, runUuid(runId), tags, limits.tagsPerRun);
  if (result === "unknown") throw runNotFound(runId);
  if (result !== "tooMany") return result;
  const details = { limit: "tagsPerRun" };
  throw new AppError("TOO_MANY_TAGS", `A run takes ${limits.tagsPerRun} tags (tagsPerRun).`, { details });
}
