import { LEASE_TTL_MS } from "@gantry/sdk/contract";
import type pg from "pg";
import type { FinishedRun, FinishRequest, InsertedRun, NewRun, RunStore } from "../../runs/run-store.ts";
import * as admission from "./admission.ts";
import * as attempts from "./attempts.ts";
import * as batches from "./batches.ts";
import { explainFacts } from "./explain-facts.ts";
import * as hooks from "./failure-hooks.ts";
import { finishRuns } from "./finish-runs.ts";
import { GroupCommit } from "./group-commit.ts";
import { insertRuns } from "./insert-runs.ts";
import * as lanes from "./lanes.ts";
import * as leases from "./leases.ts";
import * as annotations from "./run-annotations.ts";
import { countQueued, parentFacts } from "./run-counts.ts";
import { listRuns, retrieveRun } from "./run-reads.ts";
import * as timers from "./timers.ts";

export interface StoreTiming {
  leaseTtlMs: number;
  /** A worker must have come for a DEQUEUED execution within this. */
  startDeadlineMs: number;
  /** How long a run may wait for a version. */
  pendingVersionMs: number;
}

const DEFAULT_TIMING: StoreTiming = { leaseTtlMs: LEASE_TTL_MS, startDeadlineMs: 60_000, pendingVersionMs: 3600_000 };

/** Runs and completions that come at the same time share a statement and its commit; see group-commit.ts. */
const GROUP = { maxItems: 500, maxWaitMs: 2, maxInFlight: 2 };

export function createPostgresRunStore(pool: pg.Pool, timing: Partial<StoreTiming> = {}): RunStore {
  const times = { ...DEFAULT_TIMING, ...timing };
  const inserts = new GroupCommit<NewRun, InsertedRun>({
    ...GROUP,
    run: (runs) => insertRuns(pool, runs, times.pendingVersionMs),
  });
  const finishes = new GroupCommit<FinishRequest, FinishedRun | undefined>({
    ...GROUP,
    run: async (requests) => {
      const finished = new Map((await finishRuns(pool, requests)).map((run) => [run.runId, run]));
      return requests.map((request) => {
        const run = finished.get(request.runId);
        // Two requests for one run in a batch: the first has it.
        finished.delete(request.runId);
        return run;
      });
    },
  });

  return {
    // A large batch is a commit of its own; single triggers are collected.
    insert: (runs) =>
      runs.length >= 50
        ? insertRuns(pool, runs, times.pendingVersionMs)
        : Promise.all(runs.map((run) => inserts.add(run))),
    admit: (environmentId, n, announcements, warm) =>
      admission.admit(pool, environmentId, n, announcements, warm, times),
    nextTurnInMs: (environmentId) => admission.nextTurnInMs(pool, environmentId),
    start: (worker, n) => admission.startExecutions(pool, worker, n, times.leaseTtlMs),
    finish: async (requests) =>
      (await Promise.all(requests.map((request) => finishes.add(request)))).filter((run) => run !== undefined),
    requeue: (request) => attempts.requeue(pool, request),
    retryInPlace: (request) => attempts.retryInPlace(pool, request),
    runForDecision: (environmentId, execution) => attempts.runForDecision(pool, environmentId, execution),
    requestCancel: (environmentId, runId, reason, forceAfterMs) =>
      attempts.requestCancel(pool, environmentId, runId, reason, forceAfterMs),

    heartbeat: (executions, leaseTtlMs) => leases.heartbeat(pool, executions, leaseTtlMs),
    refreshLeases: (leaseTtlMs) => leases.refreshLeases(pool, leaseTtlMs),
    lostExecutions: (limit) => leases.lostExecutions(pool, limit),
    liveExecution: (environmentId, runId) => leases.liveExecution(pool, environmentId, runId),

    enqueueDue: (limit) => timers.enqueueDue(pool, limit),
    dueTimers: (limit) => timers.dueTimers(pool, limit),
    deleteTimers: (due) => timers.deleteTimers(pool, due),
    nextTimerInMs: () => timers.nextTimerInMs(pool),
    releasePendingVersions: (environmentId) => timers.releasePendingVersions(pool, environmentId),
    reschedule: (environmentId, runId, delayUntil) => timers.reschedule(pool, environmentId, runId, delayUntil),
    strandedLanes: (limit) => lanes.strandedLanes(pool, limit),
    lanesOfQueue: (queueId) => lanes.lanesOfQueue(pool, queueId),
    retireLanes: () => lanes.retireLanes(pool),

    retrieve: (environmentId, runId) => retrieveRun(pool, environmentId, runId),
    list: (environmentId, filter, page) => listRuns(pool, environmentId, filter, page),
    explainFacts: (environmentId, runId) => explainFacts(pool, environmentId, runId),
    parentFacts: (environmentId, runId, childLimit) => parentFacts(pool, environmentId, runId, childLimit),
    countQueued: (environmentId) => countQueued(pool, environmentId),
    addTags: (environmentId, runId, tags, limit) => annotations.addTags(pool, environmentId, runId, tags, limit),
    updateMetadata: (environmentId, runId, apply) => annotations.updateMetadata(pool, environmentId, runId, apply),
    appendEvents: (execution, batch, attempt, events) =>
      annotations.appendEvents(pool, execution, batch, attempt, events),
    claimMetadataBatch: (execution, batch) => annotations.claimMetadataBatch(pool, execution, batch),
    events: (environmentId, runId, after, limit) => annotations.readEvents(pool, environmentId, runId, after, limit),
    resetIdempotencyKey: (environmentId, taskId, key) =>
      annotations.resetIdempotencyKey(pool, environmentId, taskId, key),

    createBatch: (batch) => batches.createBatch(pool, batch),
    batchState: (environmentId, batchId) => batches.batchState(pool, environmentId, batchId),
    batchItems: (batchId, items) => batches.batchItems(pool, batchId, items),
    failBatchItem: (batchId, item, error) => batches.failBatchItem(pool, batchId, item, error),
    sealBatch: (environmentId, batchId) => batches.sealBatch(pool, environmentId, batchId),
    retrieveBatch: (environmentId, batchId) => batches.retrieveBatch(pool, environmentId, batchId),
    putPacket: (environmentId, name, packet) => batches.putPacket(pool, environmentId, name, packet),
    getPacket: (environmentId, name) => batches.getPacket(pool, environmentId, name),

    claimFailureHooks: (limit) => hooks.claimFailureHooks(pool, limit),
    finishFailureHook: (runId, executionId) => hooks.finishFailureHook(pool, runId, executionId),
    releaseFailureHook: (runId, executionId) => hooks.releaseFailureHook(pool, runId, executionId),
  };
}
