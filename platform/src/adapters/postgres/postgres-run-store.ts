import { LEASE_TTL_MS } from "@gantry/sdk/contract";
import type pg from "pg";
import {
  BatchItemKnown,
  type FinishedRun,
  type FinishRequest,
  type InsertedRun,
  type NewRun,
  type RunStore,
} from "../../runs/run-store.ts";
import * as admission from "./admission.ts";
import * as attempts from "./attempts.ts";
import * as batches from "./batches.ts";
import { explainFacts } from "./explain-facts.ts";
import * as hooks from "./failure-hooks.ts";
import { type Finished, finishHeld, finishRuns } from "./finish-runs.ts";
import { GroupCommit } from "./group-commit.ts";
import { insertRuns } from "./insert-runs.ts";
import * as lanes from "./lanes.ts";
import * as launches from "./launches.ts";
import * as leases from "./leases.ts";
import { applyMetadataBatches, type MetadataCall } from "./metadata-batches.ts";
import * as annotations from "./run-annotations.ts";
import { countQueued, parentFacts } from "./run-counts.ts";
import { listRuns, retrieveRun } from "./run-reads.ts";
import { countRuns, selectRuns } from "./run-selection.ts";
import { suspendLost } from "./suspend-lost.ts";
import * as timers from "./timers.ts";

export interface StoreTiming {
  leaseTtlMs: number;
  /** A worker must have come for a DEQUEUED execution within this. */
  startDeadlineMs: number;
  /** How long a run may wait for a version. */
  pendingVersionMs: number;
}

export const DEFAULT_TIMING: StoreTiming = {
  leaseTtlMs: LEASE_TTL_MS,
  startDeadlineMs: 60_000,
  pendingVersionMs: 3600_000,
};

/** Runs and completions that come at the same time share a statement and its commit; see group-commit.ts. */
const GROUP = { maxItems: 500, maxBytes: 8 * 1024 * 1024, maxWaitMs: 2, maxInFlight: 2, isItemsFault };

/** Bad data, a broken constraint, a value beyond a limit: no other item is to blame. A deadlock ends by trying again. */
function isItemsFault(error: unknown): boolean {
  return error instanceof BatchItemKnown || /^(?:22|23|54|40)/.test(String((error as { code?: unknown }).code));
}

const sizeOf = (...packets: ({ data: Buffer } | undefined)[]) =>
  packets.reduce((sum, packet) => sum + (packet?.data.length ?? 0), 1000);
const sizeOfRun = (run: NewRun) => sizeOf(run.payload, run.metadata);

/** Statements of at most 1,000 runs and about `maxBytes`: Postgres and the driver take no more than a few hundred megabytes. */
function* slices(runs: NewRun[]): Generator<NewRun[]> {
  let slice: NewRun[] = [];
  let bytes = 0;
  for (const run of runs) {
    if (slice.length === 1000 || (slice.length > 0 && bytes + sizeOfRun(run) > GROUP.maxBytes)) {
      yield slice;
      slice = [];
      bytes = 0;
    }
    slice.push(run);
    bytes += sizeOfRun(run);
  }
  if (slice.length > 0) yield slice;
}

export interface StoreHooks {
  /** A run has ended for which others wait, or whose journal is to be moved: the wake loop has work. */
  onSettlement?(): void;
}

export function createPostgresRunStore(
  pool: pg.Pool,
  timing: Partial<StoreTiming> = {},
  { onSettlement = () => undefined }: StoreHooks = {},
): RunStore {
  const times = { ...DEFAULT_TIMING, ...timing };
  const inserts = new GroupCommit<NewRun, InsertedRun>({
    ...GROUP,
    bytesOf: sizeOfRun,
    run: (runs) => insertRuns(pool, runs, times.pendingVersionMs),
  });
  const metadata = new GroupCommit<MetadataCall, Awaited<ReturnType<typeof applyMetadataBatches>>[number]>({
    ...GROUP,
    maxItems: 100,
    // Somebody watches: each is carried out at once where no other is.
    isPrompt: true,
    bytesOf: () => 1000,
    run: (calls) => applyMetadataBatches(pool, calls),
  });
  const settled = (runs: Finished[]): FinishedRun[] => {
    if (runs.some((run) => run.isSettling)) onSettlement();
    return runs.map(({ runId, announcement }) => ({ runId, announcement }));
  };
  const finishing = () =>
    new GroupCommit<FinishRequest, FinishedRun | undefined>({
      ...GROUP,
      bytesOf: (request) => sizeOf(request.output),
      run: async (requests) => {
        const finished = new Map(settled(await finishRuns(pool, requests)).map((run) => [run.runId, run]));
        return requests.map((request) => {
          const run = finished.get(request.runId);
          // Two requests for one run in a batch: the first has it.
          finished.delete(request.runId);
          return run;
        });
      },
    });
  // Each has a statement of its own: a batch must be carried out as a whole.
  const onWorkers = finishing();
  const idle = finishing();
  const finish = async (request: FinishRequest): Promise<FinishedRun | undefined> => {
    const { execution } = request;
    if (execution === undefined) return idle.add(request);
    if (request.mayBeHeld !== true) return onWorkers.add(request);
    return settled(await finishHeld(pool, { ...request, execution }))[0];
  };

  return {
    // A batch is a commit of its own, so that it comes as a whole; single triggers are collected.
    insert: async (runs) => {
      if (runs.length < 50 && runs.every((run) => run.batch === undefined))
        return Promise.all(runs.map((run) => inserts.add(run)));
      const inserted: InsertedRun[] = [];
      for (const slice of slices(runs)) inserted.push(...(await insertRuns(pool, slice, times.pendingVersionMs)));
      return inserted;
    },
    admit: (environmentId, n, announcements, warm) =>
      admission.admit(pool, environmentId, n, announcements, warm, times),
    nextTurnInMs: (environmentId) => admission.nextTurnInMs(pool, environmentId),
    start: (worker, n) => admission.startExecutions(pool, worker, n, times.leaseTtlMs),
    finish: async (requests) => (await Promise.all(requests.map(finish))).filter((run) => run !== undefined),
    requeue: async (request) => {
      const put = await attempts.requeue(pool, request);
      if (put === "fenced") return put;
      const { environmentId, runId } = request;
      const ended = put.isCanceled
        ? await finish({ environmentId, runId, execution: undefined, status: "CANCELED" })
        : undefined;
      const status = ended !== undefined ? "CANCELED" : request.delayMs === undefined ? "QUEUED" : "DELAYED";
      return { status, announcement: put.announcement };
    },
    suspendLost: async (execution) => {
      const suspended = await suspendLost(pool, execution);
      if (suspended === "fenced") return suspended;
      const { environmentId, runId } = execution;
      const ended = suspended.isCanceled
        ? await finish({ environmentId, runId, execution: undefined, status: "CANCELED" })
        : undefined;
      return ended === undefined ? suspended.announcement : undefined;
    },
    retryInPlace: (request) => attempts.retryInPlace(pool, request),
    runForDecision: (environmentId, execution) => attempts.runForDecision(pool, environmentId, execution),
    runOnWorker: (environmentId, runId, execution) => attempts.runOnWorker(pool, environmentId, runId, execution),
    requestCancel: (environmentId, runId, reason, forceAfterMs) =>
      attempts.requestCancel(pool, environmentId, runId, reason, forceAfterMs),
    openDescendants: (environmentId, runId) => attempts.openDescendants(pool, environmentId, runId),

    heartbeat: (executions, leaseTtlMs) => leases.heartbeat(pool, executions, leaseTtlMs),
    receiving: (gapMs, leaseTtlMs) => leases.receiving(pool, gapMs, leaseTtlMs),
    lostExecutions: (limit, gapMs) => leases.lostExecutions(pool, limit, gapMs),
    liveExecution: (environmentId, runId) => leases.liveExecution(pool, environmentId, runId),
    awaitedExecutions: (which) => launches.awaitedExecutions(pool, which),
    executionById: (executionId) => launches.executionById(pool, executionId),
    liveAmong: (executionIds) => launches.liveAmong(pool, executionIds),
    bindWorker: (environmentId, executionId, nonceHash) =>
      launches.bindWorker(pool, environmentId, executionId, nonceHash),
    noteHold: (execution, hold) => launches.noteHold(pool, execution, hold),

    enqueueDue: (limit) => timers.enqueueDue(pool, limit),
    dueTimers: (limit) => timers.dueTimers(pool, limit),
    deleteTimers: (due) => timers.deleteTimers(pool, due),
    nextTimerInMs: () => timers.nextTimerInMs(pool),
    releasableEnvironments: () => timers.releasableEnvironments(pool),
    releasePendingVersions: (environmentId, limit) => timers.releasePendingVersions(pool, environmentId, limit),
    reschedule: (environmentId, runId, delayUntil) => timers.reschedule(pool, environmentId, runId, delayUntil),
    strandedLanes: (after, limit) => lanes.strandedLanes(pool, after, limit),
    environmentsWithTurns: () => lanes.environmentsWithTurns(pool),
    lanesOfQueue: (queueId) => lanes.lanesOfQueue(pool, queueId),
    retireLanes: () => lanes.retireLanes(pool),

    retrieve: (environmentId, runId) => retrieveRun(pool, environmentId, runId),
    list: (environmentId, filter, page) => listRuns(pool, environmentId, filter, page),
    select: (environmentId, filter, page) => selectRuns(pool, environmentId, filter, page),
    count: (environmentId, filter) => countRuns(pool, environmentId, filter),
    explainFacts: (environmentId, runId) => explainFacts(pool, environmentId, runId),
    parentFacts: (environmentId, runId, childLimit) => parentFacts(pool, environmentId, runId, childLimit),
    countQueued: (environmentId) => countQueued(pool, environmentId),
    addTags: (environmentId, runId, tags, limit) => annotations.addTags(pool, environmentId, runId, tags, limit),
    updateMetadata: (environmentId, runId, apply) => annotations.updateMetadata(pool, environmentId, runId, apply),
    appendEvents: (execution, batch, attempt, events) =>
      annotations.appendEvents(pool, execution, batch, attempt, events),
    // Relatives are locked in an order of their own.
    applyMetadataBatch: async (execution, batch) =>
      batch.parent === undefined && batch.root === undefined
        ? (await metadata.add({ execution, batch }))()
        : annotations.applyMetadataBatch(pool, execution, batch),
    events: (environmentId, runId, after, limit) => annotations.readEvents(pool, environmentId, runId, after, limit),
    resetIdempotencyKey: (environmentId, taskId, key) =>
      annotations.resetIdempotencyKey(pool, environmentId, taskId, key),

    createBatch: (batch) => batches.createBatch(pool, batch),
    batchState: (environmentId, batchId) => batches.batchState(pool, environmentId, batchId),
    batchItems: (batchId, items) => batches.batchItems(pool, batchId, items),
    failBatchItem: (batchId, item, error) => batches.failBatchItem(pool, batchId, item, error),
    async sealBatch(environmentId, batchId) {
      await batches.sealBatch(pool, environmentId, batchId);
      onSettlement();
    },
    retrieveBatch: (environmentId, batchId) => batches.retrieveBatch(pool, environmentId, batchId),
    putPacket: (environmentId, name, packet) => batches.putPacket(pool, environmentId, name, packet),
    getPacket: (environmentId, name) => batches.getPacket(pool, environmentId, name),

    claimFailureHooks: (limit, awaited = []) => hooks.claimFailureHooks(pool, limit, awaited),
    finishFailureHook: (executionId) => hooks.finishFailureHook(pool, executionId),
    releaseFailureHook: (executionId, againInMs) => hooks.releaseFailureHook(pool, executionId, againInMs),
    isFailureHook: (runId, executionId) => hooks.isFailureHook(pool, runId, executionId),
  };
}
