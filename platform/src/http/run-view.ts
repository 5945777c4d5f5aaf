import type { ListedRun, RunError, RunFields, RunReply, RunResultReply, WireError } from "@gantry/sdk/contract";
import { isFailedRunStatus, isFinalRunStatus } from "@gantry/sdk/contract";
import type { RunCheckpoint } from "../checkpoints/checkpoint-service.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { AttemptRecord, Packet, RunDetail, RunSummary } from "../runs/run.ts";
import type { Schedule } from "../schedules/schedule.ts";
import type { Resource } from "./access-policy.ts";
import { formatDuration } from "./duration.ts";
import { runSchedule } from "./schedule-view.ts";

/** A payload or output above this is not put into a reply but linked to. */
export const INLINE_BYTES = 128 * 1024;

/** The names under which a token may be allowed to a run. */
export function runResources(run: RunSummary): Resource[] {
  return [
    { kind: "runs", id: run.id },
    ...run.tags.map((id) => ({ kind: "tags" as const, id })),
    ...(run.batchId === undefined ? [] : [{ kind: "batch" as const, id: run.batchId }]),
    { kind: "tasks", id: run.taskId },
  ];
}

export function runFields(run: RunSummary): RunFields {
  const { status } = run;
  return {
    id: run.id,
    status,
    taskIdentifier: run.taskId,
    idempotencyKey: run.idempotencyKey,
    version: run.version,
    isQueued: status === "QUEUED" || status === "DELAYED" || status === "PENDING_VERSION",
    isExecuting: status === "EXECUTING" || status === "DEQUEUED",
    isWaiting: status === "WAITING",
    isCompleted: isFinalRunStatus(status),
    isSuccess: status === "COMPLETED",
    isFailed: isFailedRunStatus(status),
    isCancelled: status === "CANCELED",
    isTest: run.isTest,
    createdAt: run.createdAt.toISOString(),
    updatedAt: run.updatedAt.toISOString(),
    startedAt: run.startedAt?.toISOString(),
    finishedAt: run.finishedAt?.toISOString(),
    delayedUntil: run.delayedUntil?.toISOString(),
    ttl: run.ttlMs === undefined ? undefined : formatDuration(run.ttlMs),
    expiredAt: run.expiredAt?.toISOString(),
    tags: run.tags,
    costInCents: 0,
    baseCostInCents: 0,
    durationMs: run.computeMs,
    depth: run.depth,
    batchId: run.batchId,
    triggerFunction: run.batchId === undefined ? "trigger" : "batchTrigger",
    queue: run.queue,
    concurrencyKey: run.concurrencyKey,
    machine: run.machine,
    priority: run.priority,
    attemptCount: run.attemptCount,
    maxAttempts: run.maxAttempts,
    revision: run.revision,
  };
}

export function listedRun(run: RunSummary, environment: EnvironmentRef): ListedRun {
  return { ...runFields(run), env: { id: environment.publicId, name: environment.slug } };
}

export interface RelatedRuns {
  root?: RunSummary | undefined;
  parent?: RunSummary | undefined;
  children?: RunSummary[] | undefined;
}

/** What else is known of a run. */
export interface RunBeside {
  from?: { schedule: Schedule; dueAt: Date } | undefined;
  checkpoint?: RunCheckpoint | undefined;
}

/** `link` makes the URL of a field that is too large to be in the reply. */
export function runReply(
  run: RunDetail,
  related: RelatedRuns,
  link: (field: "payload" | "output") => string,
  { from, checkpoint }: RunBeside = {},
): RunReply {
  return {
    ...runFields(run),
    ...packetFields("payload", run.payload, link),
    ...(run.output === undefined ? {} : packetFields("output", run.output, link)),
    metadata: metadataOf(run),
    error: run.error === undefined ? undefined : runError(run.error),
    attempts: run.attempts.map(attemptView),
    cancelRequestedAt: run.cancelRequestedAt?.toISOString(),
    maxDurationInSeconds: run.maxDurationMs === undefined ? undefined : run.maxDurationMs / 1000,
    replayedFromRunId: run.replayedFromRunId,
    schedule: from && runSchedule(from),
    checkpoint: checkpoint && runCheckpoint(checkpoint),
    parentRunId: run.parentRunId,
    rootRunId: run.rootRunId,
    relatedRuns: {
      root: related.root && runFields(related.root),
      parent: related.parent && runFields(related.parent),
      children: related.children?.map(runFields),
    },
  };
}

function runCheckpoint({ parkedAt, stored, ...rest }: RunCheckpoint): RunReply["checkpoint"] {
  const { storedBytes, bytes, node, failures } = stored ?? {};
  return { ...rest, parkedAt: parkedAt.toISOString(), storedBytes, bytes, node, failures };
}

function packetFields(name: "payload" | "output", packet: Packet, link: (field: "payload" | "output") => string) {
  if (packet.data.length > INLINE_BYTES) return { [`${name}Type`]: packet.type, [`${name}PresignedUrl`]: link(name) };
  const { value, meta } = readPacket(packet);
  return { [name]: value, [`${name}Type`]: packet.type, ...(meta === undefined ? {} : { [`${name}Meta`]: meta }) };
}

/** A packet as plain JSON, and what superjson needs to restore the rest. Never throws: bytes that do not read are text. */
export function readPacket(packet: Packet): { value: unknown; meta?: unknown } {
  if (packet.data.length === 0) return { value: packet.type === "text/plain" ? "" : undefined };
  const text = packet.data.toString("utf8");
  if (packet.type !== "application/json" && packet.type !== "application/super+json") return { value: text };
  try {
    const value = JSON.parse(text) as unknown;
    if (packet.type === "application/json" || typeof value !== "object" || value === null) return { value };
    const { json, meta } = value as { json?: unknown; meta?: unknown };
    return { value: json, ...(meta === undefined ? {} : { meta }) };
  } catch {
    return { value: text };
  }
}

export function metadataOf(run: RunDetail): Record<string, unknown> | undefined {
  if (run.metadata === undefined) return undefined;
  const { value } = readPacket(run.metadata);
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}

export function runError(error: WireError): RunError {
  const causes: RunError["causes"] = [];
  for (let cause = error.cause; cause !== undefined; cause = cause.cause) causes.push(named(cause));
  return {
    ...named(error),
    ...(error.code === undefined ? {} : { code: error.code }),
    ...(causes.length === 0 ? {} : { causes }),
  };
}

function named(error: WireError) {
  return {
    name: error.name,
    message: error.message,
    ...(error.stack === undefined ? {} : { stackTrace: error.stack }),
  };
}

function attemptView(attempt: AttemptRecord) {
  const { error, ...rest } = attempt;
  return { ...rest, ...(error === undefined ? {} : { error: runError(error) }) };
}

/** The result of a run that has ended, undefined before. Statuses that no code of the user's made are INTERNAL_ERROR. */
export function runResult(run: RunDetail): RunResultReply | undefined {
  if (!isFinalRunStatus(run.status)) return undefined;
  const common = { id: run.id, taskIdentifier: run.taskId, usage: { durationMs: run.computeMs } };
  if (run.status === "COMPLETED") {
    const { output } = run;
    const isEmpty = output === undefined || (output.data.length === 0 && output.type !== "text/plain");
    return {
      ok: true,
      ...common,
      ...(isEmpty ? {} : { output: output.data.toString("utf8") }),
      outputType: output?.type ?? "application/json",
    };
  }
  const error = run.error ?? { name: run.status, message: `The run ended as ${run.status}.` };
  if (run.status === "FAILED") {
    const { name, message, stackTrace, causes } = runError(error);
    return {
      ok: false,
      ...common,
      error: {
        type: "BUILT_IN_ERROR",
        name: name ?? "Error",
        message,
        stackTrace: stackTrace ?? "",
        ...(causes === undefined ? {} : { causes }),
      },
    };
  }
  return {
    ok: false,
    ...common,
    error: {
      type: "INTERNAL_ERROR",
      code: INTERNAL_CODES[run.status],
      message: error.message,
      ...(error.stack === undefined ? {} : { stackTrace: error.stack }),
    },
  };
}

/** Trigger.dev's names for the same ends; its clients accept no others. */
const INTERNAL_CODES = {
  CANCELED: "TASK_RUN_CANCELLED",
  CRASHED: "TASK_RUN_CRASHED",
  SYSTEM_FAILURE: "TASK_EXECUTION_FAILED",
  EXPIRED: "UNSPECIFIED_ERROR",
  TIMED_OUT: "MAX_DURATION_EXCEEDED",
} as const;
