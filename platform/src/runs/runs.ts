import {
  applyMetadataOperations,
  CANCEL_GRACE_MS,
  type Limits,
  type Metadata,
  type MetadataOperation,
} from "@gantry/sdk/contract";
import { AppError } from "../errors.ts";
import { decodeId, encodeId, newUuid } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import { explainAdmission } from "../queues/admission-policy.ts";
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
import type { RunService } from "./run-service.ts";
import { BatchItemKnown } from "./run-store.ts";
import { checkTags } from "./trigger-policy.ts";
import { demandStorage, type TriggerDeps, TriggerRuns } from "./trigger-runs.ts";

export interface RunsDeps extends TriggerDeps {
  /** Tells the worker that holds an execution to cancel it, or to drop it. */
  tellWorker(executionId: string, what: "cancel" | "drop", reason?: string): void;
}

/** A canceled run is forced to its end this long after the request: its hooks had their time. */
const FORCE_CANCEL_MS = CANCEL_GRACE_MS + 5_000;

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
    cancel: (environment, runId, reason) => cancelTree(deps, environment, runUuid(runId), reason),
    async replay(environment, runId, overrides) {
      const original = await retrieve(environment, runId);
      if (original === undefined) throw runNotFound(runId);
      return triggerOne(environment, { ...replayOf(original), ...overrides });
    },
    async reschedule(environment, runId, delayUntil) {
      const outcome = await store.reschedule(environment.id, runUuid(runId), delayUntil);
      if (outcome === "notDelayed") throw new AppError("RUN_NOT_DELAYED", `Run ${runId} is not DELAYED.`);
      if (outcome === "unknown") {
        if ((await retrieve(environment, runId)) === undefined) throw runNotFound(runId);
        throw new AppError("RUN_NOT_DELAYED", `Run ${runId} has ended.`);
      }
    },
    async addTags(environment, runId, tags) {
      const limits = await deps.limits(environment);
      const wrong = checkTags([...new Set(tags)], limits);
      if (wrong !== undefined) throw wrong;
      const result = await store.addTags(environment.id, runUuid(runId), tags, limits.tagsPerRun);
      if (result === "unknown") throw runNotFound(runId);
      if (result === "tooMany") {
        throw new AppError("TOO_MANY_TAGS", `A run takes ${limits.tagsPerRun} tags (tagsPerRun).`, {
          details: { limit: "tagsPerRun" },
        });
      }
      return result;
    },
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

function runUuid(runId: string): string {
  const uuid = decodeId("run", runId);
  if (uuid === undefined) throw new AppError("MALFORMED_ID", `"${runId.slice(0, 60)}" is not the id of a run.`);
  return uuid;
}

function batchUuid(batchId: string): string {
  const uuid = decodeId("batch", batchId);
  if (uuid === undefined) throw new AppError("MALFORMED_ID", `"${batchId.slice(0, 60)}" is not the id of a batch.`);
  return uuid;
}

const runNotFound = (runId: string) => new AppError("RUN_NOT_FOUND", `There is no run ${runId} in this environment.`);

/** The next page is asked for by the last run's id, the previous one by the first's; pages run newest first both ways. */
async function listRuns(
  deps: RunsDeps,
  environment: EnvironmentRef,
  filter: RunFilter,
  page: PageRequest,
): Promise<RunPage> {
  const uuids = {
    ...filter,
    ...(filter.batchId === undefined ? {} : { batchId: batchUuid(filter.batchId) }),
    ...(filter.parentRunId === undefined ? {} : { parentRunId: runUuid(filter.parentRunId) }),
    ...(filter.rootRunId === undefined ? {} : { rootRunId: runUuid(filter.rootRunId) }),
  };
  const rows = await deps.store.list(environment.id, uuids, {
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

/** Its children are canceled too: found before it ends, since live runs alone connect them. */
async function cancelTree(
  deps: RunsDeps,
  environment: EnvironmentRef,
  runId: string,
  reason: string | undefined,
): Promise<void> {
  const below = await deps.store.openDescendants(environment.id, runId);
  if (!(await cancelRun(deps, environment, runId, reason))) throw runNotFound(encodeId("run", runId));
  for (let at = 0; at < below.length; at += CANCELED_AT_ONCE) {
    await Promise.all(
      below.slice(at, at + CANCELED_AT_ONCE).map((child) => cancelRun(deps, environment, child, reason)),
    );
  }
}

const CANCELED_AT_ONCE = 50;

/** False where there is no such run. */
async function cancelRun(
  deps: RunsDeps,
  environment: EnvironmentRef,
  runId: string,
  reason: string | undefined,
): Promise<boolean> {
  const { store, announcements } = deps;
  // A run may be admitted between the look and the write: look again, a few times at most. After that its timer ends it.
  for (let tries = 0; tries < 5; tries++) {
    const state = await store.requestCancel(environment.id, runId, reason, FORCE_CANCEL_MS);
    if (state.state === "unknown") return false;
    if (state.state === "ended") return true;
    if (state.state === "onWorker") {
      deps.tellWorker(state.executionId, "cancel", reason);
      return true;
    }
    const finished = await store.finish([
      { environmentId: environment.id, runId, execution: undefined, status: "CANCELED" },
    ]);
    if (finished.length > 0) {
      announcements.announce(finished.map((run) => run.announcement));
      return true;
    }
  }
  return true;
}

async function forceFail(deps: RunsDeps, environment: EnvironmentRef, runId: string, reason: string): Promise<void> {
  const { store } = deps;
  const execution = await store.liveExecution(environment.id, runId);
  const finished = await store.finish([
    {
      environmentId: environment.id,
      runId,
      execution,
      status: "SYSTEM_FAILURE",
      error: { name: "ForceFailed", code: "FORCE_FAILED", message: reason },
      failureHook: true,
    },
  ]);
  if (finished.length === 0) {
    if ((await store.retrieve(environment.id, runId)) === undefined) throw runNotFound(encodeId("run", runId));
    throw new AppError("RUN_ALREADY_FINISHED", `Run ${encodeId("run", runId)} has ended, or moved on meanwhile.`);
  }
  if (execution !== undefined) deps.tellWorker(execution.executionId, "drop", reason);
  deps.announcements.announce(finished.map((run) => run.announcement));
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

async function changeMetadata(
  deps: RunsDeps,
  environment: EnvironmentRef,
  runId: string,
  change: Parameters<RunService["updateMetadata"]>[2],
): Promise<Metadata> {
  const limits = await deps.limits(environment);
  const after = await deps.store.updateMetadata(environment.id, runId, (current) => {
    const base = change.replace === undefined ? current : change.replace.data.toString("utf8");
    return metadataAfter(base, change.operations ?? [], limits);
  });
  if (after === undefined) throw runNotFound(encodeId("run", runId));
  if (change.parentOperations?.length || change.rootOperations?.length) {
    const run = await deps.store.retrieve(environment.id, runId);
    await applyToRelative(deps, environment.id, run?.parentRunId ?? run?.id, change.parentOperations, limits);
    await applyToRelative(deps, environment.id, run?.rootRunId ?? run?.id, change.rootOperations, limits);
  }
  return JSON.parse(after) as Metadata;
}

/** Without a parent or root, the run itself takes their operations, as in Trigger.dev. */
export async function applyToRelative(
  deps: Pick<RunsDeps, "store">,
  environmentId: number,
  relativeId: string | undefined,
  operations: MetadataOperation[] | undefined,
  limits: Limits,
): Promise<void> {
  const uuid = relativeId === undefined ? undefined : decodeId("run", relativeId);
  if (uuid === undefined || operations === undefined || operations.length === 0) return;
  await deps.store.updateMetadata(environmentId, uuid, (current) => metadataAfter(current, operations, limits));
}

export function metadataAfter(current: string | undefined, operations: MetadataOperation[], limits: Limits): string {
  const before = current === undefined ? {} : objectOf(current);
  const text = JSON.stringify(applyMetadataOperations(before, operations));
  const size = Buffer.byteLength(text);
  if (size > limits.metadataBytes) {
    throw new AppError(
      "METADATA_TOO_LARGE",
      `The metadata would have ${size} bytes; the limit (metadataBytes) is ${limits.metadataBytes}.`,
      {
        details: { limit: "metadataBytes", max: limits.metadataBytes, size },
      },
    );
  }
  return text;
}

/** The API takes objects only; should anything else be stored, operations start from nothing rather than fail for ever. */
function objectOf(text: string): Metadata {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Metadata) : {};
  } catch {
    return {};
  }
}

async function addToBatch(
  deps: RunsDeps,
  triggers: TriggerRuns,
  environment: EnvironmentRef,
  batchId: string,
  items: Parameters<RunService["addToBatch"]>[2],
): Promise<Awaited<ReturnType<RunService["addToBatch"]>>> {
  const uuid = batchUuid(batchId);
  const state = await deps.store.batchState(environment.id, uuid);
  if (state === undefined) throw new AppError("BATCH_NOT_FOUND", `There is no batch ${batchId} in this environment.`);
  const { known, byIndex } = await triggerItems(
    deps,
    triggers,
    environment,
    { batchId, uuid, isSealed: state.sealed },
    items,
  );
  for (const [index, result] of byIndex) {
    if (result instanceof AppError)
      await deps.store.failBatchItem(uuid, index, { code: result.code, message: result.message });
  }
  return items.map(({ index }) => {
    const result = byIndex.get(index);
    if (result instanceof AppError) return { index, error: result };
    if (result !== undefined) return { index, result };
    const before = known.get(index);
    if (before?.runId !== undefined) return { index, result: { runId: encodeId("run", before.runId), isCached: true } };
    return { index, error: new AppError("VALIDATION_FAILED", before?.error?.message ?? "The item failed before.") };
  });
}

/** Triggers the items that have not come before. One that comes by another call meanwhile fails the insert: look again. */
async function triggerItems(
  deps: RunsDeps,
  triggers: TriggerRuns,
  environment: EnvironmentRef,
  batch: { batchId: string; uuid: string; isSealed: boolean },
  items: Parameters<RunService["addToBatch"]>[2],
) {
  const indexes = items.map((item) => item.index);
  for (let tries = 0; ; tries++) {
    const known = await deps.store.batchItems(batch.uuid, indexes);
    const fresh = items.filter((item) => !known.has(item.index));
    if (batch.isSealed && fresh.length > 0) throw new AppError("BATCH_SEALED", `Batch ${batch.batchId} is sealed.`);
    const requests = fresh.map((item) => ({ ...item.request, batch: { id: batch.batchId, index: item.index } }));
    try {
      const results = await triggers.trigger(environment, requests, undefined);
      const byIndex = new Map(
        fresh.map((item, position) => [item.index, results[position] as TriggerResult | AppError]),
      );
      return { known, byIndex };
    } catch (error) {
      if (!(error instanceof BatchItemKnown) || tries === 5) throw error;
    }
  }
}
