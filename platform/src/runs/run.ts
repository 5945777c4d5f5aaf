import type { FinalRunStatus, RunStatus, WireError } from "@gantry/sdk/contract";

/** Bytes with a content type, never parsed by the platform. */
export interface Packet {
  data: Buffer;
  type: string;
}

/** One request to run a task, validated and with every default applied but those that its task declares. */
export interface TriggerRequest {
  taskId: string;
  payload: Packet;
  /** Name of a queue other than the task's own. */
  queue?: string;
  concurrencyKey?: string;
  delayUntil?: Date;
  ttlMs?: number;
  /** As the client sent it (already hashed there where it has a scope). */
  idempotencyKey?: string;
  idempotencyKeyTtlMs?: number;
  idempotencyKeyOptions?: { key: string; scope: "run" | "attempt" | "global" };
  tags?: string[];
  metadata?: Packet;
  maxAttempts?: number;
  maxDurationMs?: number;
  machine?: string;
  /** Seconds of head start. */
  priority?: number;
  /** Version to lock to. */
  version?: string;
  isTest?: boolean;
  /** The run (public id) inside which this was triggered. */
  parentRunId?: string;
  replayedFromRunId?: string;
  batch?: { id: string; index: number };
}

export interface TriggerResult {
  /** Public id. */
  runId: string;
  /** True where an idempotency key had a run already. */
  isCached: boolean;
}

/** A run as lists show it. */
export interface RunSummary {
  id: string;
  taskId: string;
  status: RunStatus;
  version: string | undefined;
  queue: string;
  concurrencyKey: string | undefined;
  idempotencyKey: string | undefined;
  machine: string | undefined;
  isTest: boolean;
  tags: string[];
  priority: number;
  createdAt: Date;
  updatedAt: Date;
  startedAt: Date | undefined;
  finishedAt: Date | undefined;
  delayedUntil: Date | undefined;
  ttlMs: number | undefined;
  expiredAt: Date | undefined;
  /** Compute milliseconds of all attempts. */
  computeMs: number;
  depth: number;
  parentRunId: string | undefined;
  rootRunId: string | undefined;
  batchId: string | undefined;
  attemptCount: number;
  maxAttempts: number;
  /** Row version: grows with every change. */
  revision: number;
}

export interface AttemptRecord {
  number: number;
  startedAt: string;
  finishedAt: string;
  outcome: "COMPLETED" | "FAILED" | "CRASHED" | "TIMED_OUT" | "CANCELED" | "LOST" | "DEFERRED";
  error?: WireError;
  retryDelayMs?: number;
}

export interface RunDetail extends RunSummary {
  payload: Packet;
  output: Packet | undefined;
  metadata: Packet | undefined;
  error: WireError | undefined;
  attempts: AttemptRecord[];
  cancelRequestedAt: Date | undefined;
  maxDurationMs: number | undefined;
  replayedFromRunId: string | undefined;
}

export interface RunFilter {
  status?: RunStatus[];
  taskId?: string[];
  version?: string[];
  tags?: string[];
  queue?: string[];
  machine?: string[];
  batchId?: string;
  parentRunId?: string;
  rootRunId?: string;
  scheduleId?: string;
  /** Runs that it canceled, or made. */
  bulkActionId?: string;
  /** A fingerprint. */
  error?: string;
  /** A run's or batch's id or its beginning; else a tag, an idempotency key, or how a task's id begins. */
  search?: string;
  isTest?: boolean;
  from?: Date;
  to?: Date;
}

/** How many runs match, by status; each is counted up to a bound, and `isCapped` where there may be more. */
export interface RunCount {
  status: RunStatus;
  count: number;
  isCapped: boolean;
}

/** Newest first. Cursors are run ids: `after` gives the page of older runs, `before` the page of newer ones. */
export interface PageRequest {
  size: number;
  after?: string;
  before?: string;
}

export interface RunPage {
  runs: RunSummary[];
  next: string | undefined;
  previous: string | undefined;
}

/** What holds a run back, or that nothing does; `reason` is a constant of admission-policy.ts or run-state.ts. */
export interface Explanation {
  runId: string;
  status: RunStatus;
  reasons: { reason: string; message: string; details?: Record<string, unknown> }[];
  /** Runs ahead of it in its lane, where it is queued. */
  position: number | undefined;
}

export interface StoredRunEvent {
  at: Date;
  attempt: number;
  kind: "log" | "stdout" | "stderr" | "event";
  level: string;
  message: string;
  data: string | undefined;
  /** Cursor: events after it are newer. */
  cursor: string;
}

export interface BatchDetail {
  id: string;
  status: "PENDING" | "PROCESSING" | "COMPLETED" | "PARTIAL_FAILED" | "ABORTED";
  idempotencyKey: string | undefined;
  createdAt: Date;
  updatedAt: Date;
  completedAt: Date | undefined;
  runCount: number;
  /** Public run ids in the order of the items. */
  runIds: string[];
  sealed: boolean;
  failures: { index: number; code: string; message: string }[];
}

export type { FinalRunStatus, RunStatus };
