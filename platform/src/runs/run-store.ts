import type { CheckpointReason, RunEvent, RunStatus, WireError } from "@gantry/sdk/contract";
import type {
  AttemptRecord,
  BatchDetail,
  FinalRunStatus,
  Packet,
  PageRequest,
  RunCount,
  RunDetail,
  RunFilter,
  StoredRunEvent,
} from "./run.ts";

/** A run to be inserted; ids are UUIDs. */
export interface NewRun {
  id: string;
  environmentId: number;
  taskId: string;
  status: "QUEUED" | "DELAYED" | "PENDING_VERSION";
  queueId: number;
  concurrencyKey: string;
  priorityMs: number;
  maxAttempts: number;
  payload: Packet;
  delayUntil?: Date | undefined;
  ttlMs?: number | undefined;
  deploymentId?: string | undefined;
  requestedVersion?: string | undefined;
  idempotencyKey?: string | undefined;
  idempotencyTtlMs?: number | undefined;
  idempotencyOptions?: unknown;
  parentRunId?: string | undefined;
  rootRunId?: string | undefined;
  depth: number;
  batch?: { id: string; item: number } | undefined;
  replayedFromId?: string | undefined;
  machine?: string | undefined;
  maxDurationMs?: number | undefined;
  isTest: boolean;
  tags: string[];
  metadata?: Packet | undefined;
}

/** What to announce after a commit: the lane has work, or room. */
export interface LaneAnnouncement {
  environmentId: number;
  laneId: string;
  /** Its place in the lane, where a run was added; undefined where only a slot was freed. */
  orderAt: string | undefined;
}

export interface InsertedRun {
  runId: string;
  isCached: boolean;
  announcement: LaneAnnouncement | undefined;
}

/** A run that admission let in, with all that a grant needs. */
export interface AdmittedRun {
  runId: string;
  executionId: string;
  fence: string;
  /** It is EXECUTING and waits to be sent to a connected worker; else DEQUEUED, and a worker must be launched. */
  direct: boolean;
  /** Its held worker has it: the same execution goes on, and only has to be woken. */
  resumes: boolean;
  /** Its grant carries what it did before. */
  hasJournal: boolean;
  /** Its process is stored, and brought back: CheckpointStore.restoreGrant knows how. */
  hasCheckpoint?: boolean | undefined;
  deploymentId: string;
  taskId: string;
  queueId: number;
  attempt: number;
  maxAttempts: number;
  payload: Packet;
  metadata: Buffer | undefined;
  tags: string[];
  isTest: boolean;
  createdAt: Date;
  startedAt: Date | undefined;
  idempotencyKey: string | undefined;
  maxDurationMs: number | undefined;
  computeMs: number;
  priorityMs: number;
  concurrencyKey: string | undefined;
  parentRunId: string | undefined;
  rootRunId: string | undefined;
  depth: number;
  batchId: string | undefined;
  machine: string | undefined;
}

export interface ExecutionRef {
  executionId: string;
  fence: string;
}

export interface FinishRequest {
  environmentId: number;
  runId: string;
  /** The execution that must own the run; undefined: the run must be on no worker. */
  execution: ExecutionRef | undefined;
  /** Only where no worker has started the execution. */
  onlyStarting?: boolean;
  /** With no execution: only a run that was never started (ttl). */
  onlyUnstarted?: boolean;
  /** With no execution: only a run that still waits for its version. */
  onlyPending?: boolean;
  /** The execution may be PARKED: its run has no slot, and may get it back at this moment. Costs a commit of its own. */
  mayBeHeld?: boolean;
  status: FinalRunStatus;
  output?: Packet | undefined;
  error?: WireError | undefined;
  attempt?: AttemptRecord | undefined;
  computeMs?: number;
  /** Make the task's onFailure run in a fresh process. */
  failureHook?: boolean;
}

export interface FinishedRun {
  runId: string;
  announcement: LaneAnnouncement | undefined;
}

export interface RequeueRequest {
  environmentId: number;
  runId: string;
  execution: ExecutionRef;
  /** DELAYED for so many milliseconds by the database's clock; undefined: QUEUED at once. */
  delayMs?: number | undefined;
  nextAttempt: number;
  /** Undefined where no attempt took place: no worker came. */
  attempt?: AttemptRecord | undefined;
  computeMs: number;
  lost: boolean;
  deferred: boolean;
  machine?: string | undefined;
  /** Entries of its journal that the next attempt makes anew. */
  reopen?: number[] | undefined;
  /** It does without its stored process from here on: a new attempt, or one that no node can bring back. */
  dropsCheckpoint?: boolean | undefined;
  /** No worker could be had: counted apart, and kept on the run until it starts. */
  startFailure?: Hold | undefined;
}

export interface RetryInPlaceRequest {
  environmentId: number;
  runId: string;
  execution: ExecutionRef;
  fromAttempt: number;
  nextAttempt: number;
  attempt: AttemptRecord;
  computeMs: number;
  deferred: boolean;
  delayMs: number;
  /** Entries of its journal that the next attempt makes anew. */
  reopen?: number[] | undefined;
}

/** What decides about the end of an attempt, read together. */
export interface RunForDecision {
  runId: string;
  environmentId: number;
  taskId: string;
  status: RunStatus;
  deploymentId: string | undefined;
  attempt: number;
  maxAttempts: number;
  attemptStartedAt: Date | undefined;
  platformLosses: number;
  deferrals: number;
  machine: string | undefined;
  cancelRequestedAt: Date | undefined;
  /**
   * Its worker waits and has not been told to go on: what is to become of the run should it be lost, and what forbids a replay.
   * `hasSlot`: the wait is over, and the run is EXECUTING; otherwise its execution is PARKED.
   */
  held: (HeldLoss & { hasSlot: boolean }) | undefined;
  /**
   * Its process is stored and not brought back yet, so nothing of it runs: what is to become of the run should no node be able
   * to, and what forbids a replay.
   */
  stored?: HeldLoss | undefined;
}

export interface HeldLoss {
  then: "replay" | "restart" | "fail";
  because?: string | undefined;
}

export interface LostExecution extends ExecutionRef {
  runId: string;
  environmentId: number;
  deploymentId: string;
  workerId: string | undefined;
  why: "LEASE_EXPIRED" | "START_DEADLINE";
}

/** A batch of metadata operations as functions of the JSON text before; undefined where nothing concerns that run. */
export interface MetadataBatch {
  /** Within the execution, from 0. */
  number: number;
  own(current: string | undefined): string;
  parent?: ((current: string | undefined) => string) | undefined;
  root?: ((current: string | undefined) => string) | undefined;
}

/** An execution that waits for a worker. */
export interface AwaitedExecution extends ExecutionRef {
  deploymentId: string;
  environmentId: number;
  runId: string;
  taskId: string;
  attempt: number;
  machine: string | undefined;
  /** It is to bring back the run's stored process. */
  hasCheckpoint?: boolean | undefined;
  startDeadlineAt: Date;
}

/** Why no worker could be had for a run; `code` is one of OBSERVATION_CODES. */
export interface Hold {
  code: string;
  message: string;
}

/** What is known of a live execution from its id alone. */
export interface LiveExecution extends ExecutionRef {
  environmentId: number;
  runId: string;
  isStarted: boolean;
  /** Workers that could not be had since the run's last start. */
  startFailures: number;
  hold: Hold | undefined;
}

/** An item of a batch has come by another call, meanwhile: nothing was inserted. */
export class BatchItemKnown extends Error {
  override readonly name = "BatchItemKnown";
}

export interface DueTimer {
  kind: "ttl" | "pendingVersion" | "forceCancel";
  environmentId: number;
  runId: string;
  dueAt: string;
}

export interface ExplainFacts {
  runId: string;
  status: RunStatus;
  delayUntil: Date | undefined;
  requestedVersion: string | undefined;
  environmentPaused: boolean;
  environmentLimit: number;
  environmentRunning: number;
  queueName: string;
  queuePaused: boolean;
  laneLimit: number | undefined;
  laneRunning: number;
  concurrencyKey: string | undefined;
  combinedLimit: number | undefined;
  queueRunning: number;
  rateLimit: { limit: number; periodMs: number } | undefined;
  rateLeft: number | undefined;
  rateDueAt: Date | undefined;
  position: number | undefined;
  cancelRequested: boolean;
  workerId: string | undefined;
  hasDeployment: boolean;
  hold: Hold | undefined;
  /** Of a WAITING run: what it waits for, the next to be due first. At most 100. */
  waits: ExplainedWait[];
  /** Of a WAITING run: what became of its worker, and why; undefined where it was lost. */
  checkpoint: ExplainedCheckpoint | undefined;
  /** A QUEUED run that nothing keeps room for while so many workers are held. */
  heldLimit: { held: number; limit: number } | undefined;
}

export interface ExplainedCheckpoint {
  mode: "hold" | "replay" | "process";
  reason: CheckpointReason;
  /** Since when; an ISO instant. Absent where it was parked before this was kept. */
  at?: string;
  ifLost?: HeldLoss;
}

export interface ExplainedWait {
  entry: number;
  kind: "time" | "token" | "child" | "batch";
  label: string;
  dueAt: Date | undefined;
}

/**
 * The truth about runs. Every method is one transaction; those that change a status do it by compare-and-set and are
 * the only ones that do. Ids are UUIDs. Errors: STORE_UNAVAILABLE (retryable) where the database is away.
 */
export interface RunStore {
  /**
   * Inserts runs; concurrent calls share a commit. In order of the input. Announce what it returns. A batch's items come
   * all or not at all where they are many, else one by one. Errors: BatchItemKnown.
   */
  insert(runs: NewRun[]): Promise<InsertedRun[]>;
  /** Up to `n` runs, or "busy" where another admission of the environment is under way (keep the announcements). */
  admit(
    environmentId: number,
    n: number,
    announcements: LaneAnnouncement[],
    warm: ReadonlyMap<string, number>,
  ): Promise<AdmittedRun[] | "busy">;
  /** When a lane that a rate or a limit holds may be served again, in milliseconds from now; undefined: none. */
  nextTurnInMs(environmentId: number): Promise<number | undefined>;
  /** Executions of a deployment that wait for a worker go to this one. */
  start(
    worker: { workerId: string; environmentId: number; deploymentId: string; executionId?: string | undefined },
    n: number,
  ): Promise<AdmittedRun[]>;
  /** Ends runs. A request whose guard fails is not in the answer. Concurrent calls share a commit. */
  finish(requests: FinishRequest[]): Promise<FinishedRun[]>;
  /** Puts a run back: its execution ends, its slot is free. One that is to be canceled ends as CANCELED instead. */
  requeue(
    request: RequeueRequest,
  ): Promise<{ status: "QUEUED" | "DELAYED" | "CANCELED"; announcement: LaneAnnouncement } | "fenced">;
  /**
   * A PARKED execution ends, its worker is lost; its run goes on waiting, or queued, on no worker. Counted as a loss. One that
   * is to be canceled ends as CANCELED instead. Announce what it returns.
   */
  suspendLost(
    execution: ExecutionRef & { environmentId: number; runId: string },
  ): Promise<LaneAnnouncement | undefined | "fenced">;
  /** The same execution goes on with another attempt; undefined where it is fenced. Idempotent for a given attempt. */
  retryInPlace(request: RetryInPlaceRequest): Promise<AdmittedRun | undefined>;
  runForDecision(environmentId: number, execution: ExecutionRef): Promise<RunForDecision | undefined>;
  /** The run as this execution has it now, to grant it again; undefined where it is fenced. */
  runOnWorker(environmentId: number, runId: string, execution: ExecutionRef): Promise<AdmittedRun | undefined>;
  /** Marks the intent; answers with the execution that must be told, or that the run is idle or ended. */
  requestCancel(
    environmentId: number,
    runId: string,
    reason: string | undefined,
    forceAfterMs: number,
  ): Promise<{ state: "idle" | "unknown" | "ended" } | ({ state: "onWorker"; isStarted: boolean } & ExecutionRef)>;

  /** Live runs below a run: its children, then theirs, and so on. */
  openDescendants(environmentId: number, runId: string): Promise<string[][]>;

  /** Extends leases; answers with those that are stale and those whose run is to be canceled. */
  heartbeat(executions: ExecutionRef[], leaseTtlMs: number): Promise<{ alive: string[]; cancel: string[] }>;
  /**
   * Says that heartbeats are being stored, as each replica does once a second. Where none said so for `gapMs`, nobody is
   * blamed for that time: all leases are fresh first, in the same transaction.
   */
  receiving(gapMs: number, leaseTtlMs: number): Promise<void>;
  /** None while no replica has stored heartbeats for `gapMs`. */
  lostExecutions(limit: number, gapMs: number): Promise<LostExecution[]>;
  liveExecution(environmentId: number, runId: string): Promise<ExecutionRef | undefined>;
  /** Executions that wait for a worker, oldest first: all, or the oldest of each version. */
  awaitedExecutions(which: "each" | "onePerVersion"): Promise<AwaitedExecution[]>;
  executionById(executionId: string): Promise<LiveExecution | undefined>;
  /** Which of these are live: STARTING, RUNNING, or an onFailure hook's. */
  liveAmong(executionIds: string[]): Promise<Set<string>>;
  /**
   * Binds a launched execution, or an onFailure hook's, to the pod that made the nonce. `machine` is what the run asked
   * for; undefined where the execution is no longer to be started, "used" where another pod was first.
   */
  bindWorker(
    environmentId: number,
    executionId: string,
    nonceHash: Buffer,
  ): Promise<{ taskId: string; machine: string | undefined } | "used" | undefined>;
  /** Notes why no worker comes, on the run and as an event; the same reason again is no news. False: nothing was noted. */
  noteHold(execution: ExecutionRef & { environmentId: number; runId: string }, hold: Hold): Promise<boolean>;

  /** Moves due DELAYED runs to QUEUED. */
  enqueueDue(limit: number): Promise<(LaneAnnouncement & { runId: string })[]>;
  dueTimers(limit: number): Promise<DueTimer[]>;
  deleteTimers(timers: DueTimer[]): Promise<void>;
  /** Milliseconds to the next timer of any kind, or undefined. */
  nextTimerInMs(): Promise<number | undefined>;
  /** Environments with runs that wait for a version although they could have one. */
  releasableEnvironments(): Promise<number[]>;
  /** Up to `limit` runs that waited for a version and have it now. */
  releasePendingVersions(
    environmentId: number,
    limit: number,
  ): Promise<{ released: number; announcements: LaneAnnouncement[]; runIds: string[] }>;
  reschedule(environmentId: number, runId: string, delayUntil: Date): Promise<"done" | "unknown" | "notDelayed">;
  /**
   * Among the next `limit` lanes after one (by id; "0": from the first), those whose announcement may have been missed:
   * parked though they have work and room, or with a run before their head. `last` is where to go on; undefined at the end.
   */
  strandedLanes(after: string, limit: number): Promise<{ lanes: LaneAnnouncement[]; last: string | undefined }>;
  /** Environments with a lane that waits for its turn. */
  environmentsWithTurns(): Promise<number[]>;
  lanesOfQueue(queueId: number): Promise<LaneAnnouncement[]>;
  retireLanes(): Promise<number>;

  retrieve(environmentId: number, runId: string): Promise<RunDetail | undefined>;
  list(environmentId: number, filter: RunFilter, page: PageRequest): Promise<RunDetail[]>;
  /** Their ids alone, newest first; `size` at most. */
  select(environmentId: number, filter: RunFilter, page: PageRequest): Promise<string[]>;
  /** Statuses that occur. */
  count(environmentId: number, filter: RunFilter): Promise<RunCount[]>;
  explainFacts(environmentId: number, runId: string): Promise<ExplainFacts | undefined>;
  /** How deep a parent is and whether it may have more children; undefined where it is unknown or ended. */
  parentFacts(
    environmentId: number,
    runId: string,
    childLimit: number,
  ): Promise<{ rootRunId: string; depth: number; full: boolean; execution: ExecutionRef | undefined } | undefined>;
  /** Live runs that neither execute nor are WAITING. */
  countQueued(environmentId: number): Promise<number>;
  addTags(
    environmentId: number,
    runId: string,
    tags: string[],
    limit: number,
  ): Promise<string[] | "unknown" | "tooMany">;
  updateMetadata(
    environmentId: number,
    runId: string,
    apply: (current: string | undefined) => string,
  ): Promise<string | undefined>;
  appendEvents(execution: ExecutionRef, batch: number, attempt: number, events: RunEvent[]): Promise<boolean>;
  /**
   * Applies a worker's metadata once, to its run and its relatives together. Answers with the runs that it changed; undefined
   * where it came before, or is stale.
   */
  applyMetadataBatch(
    execution: ExecutionRef,
    batch: MetadataBatch,
  ): Promise<{ environmentId: number; runIds: string[] } | undefined>;
  events(environmentId: number, runId: string, after: string | undefined, limit: number): Promise<StoredRunEvent[]>;
  resetIdempotencyKey(environmentId: number, taskId: string | undefined, key: string): Promise<number>;

  createBatch(batch: {
    id: string;
    environmentId: number;
    expectedCount: number;
    idempotencyKey: string | undefined;
    parentRunId: string | undefined;
  }): Promise<{ id: string; isCached: boolean }>;
  batchState(environmentId: number, batchId: string): Promise<{ sealed: boolean; expectedCount: number } | undefined>;
  batchItems(
    batchId: string,
    items: number[],
  ): Promise<Map<number, { runId: string | undefined; error: { code: string; message: string } | undefined }>>;
  failBatchItem(batchId: string, item: number, error: { code: string; message: string }): Promise<void>;
  sealBatch(environmentId: number, batchId: string): Promise<void>;
  retrieveBatch(environmentId: number, batchId: string): Promise<BatchDetail | undefined>;

  putPacket(environmentId: number, name: string, packet: Packet): Promise<void>;
  getPacket(environmentId: number, name: string): Promise<Packet | undefined>;

  /** Claims onFailure hooks that are still to run, for a worker of their version; those of `awaited` executions before their time. */
  claimFailureHooks(limit: number, awaited?: readonly string[]): Promise<ClaimedHook[]>;
  /** Its execution has ended, however; false where there is no such hook. */
  finishFailureHook(executionId: string): Promise<boolean>;
  /** No worker took it: it is offered again, after a while. */
  releaseFailureHook(executionId: string, againInMs: number): Promise<void>;
  isFailureHook(runId: string, executionId: string): Promise<boolean>;
}

export interface ClaimedHook {
  runId: string;
  environmentId: number;
  deploymentId: string;
  executionId: string;
  status: RunStatus;
  error: WireError;
  finishedAt: Date;
}
