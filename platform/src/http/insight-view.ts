import type {
  EnvironmentUsage,
  ErrorGroup,
  ListedBatch as ListedBatchReply,
  Stats as StatsReply,
  Task,
  TaskDetail,
} from "@gantry/sdk/contract";
import type { ListedBatch } from "../insights/insight-store.ts";
import type { ErrorInsight, LimitUsage, TaskInsight } from "../insights/insights.ts";
import { MAX_PERIOD_MS } from "../insights/stat-window-policy.ts";
import type { Stats } from "../insights/stats-policy.ts";
import { parseDurationMs } from "./duration.ts";
import { invalidQuery } from "./list-filter.ts";

/** Errors: VALIDATION_FAILED. */
export function toPeriodMs(period: string): number {
  const ms = parseDurationMs(period);
  if (ms === undefined) throw invalidQuery("period", `"${period}" is no duration`);
  if (ms > MAX_PERIOD_MS) throw invalidQuery("period", `"${period}" is longer than 30 days`);
  return ms;
}

export function statsView({ from, series, ...stats }: Stats): StatsReply {
  return {
    fromAt: from.toISOString(),
    ...stats,
    series: series.map((point) => ({ ...point, at: point.at.toISOString() })),
  };
}

export function taskView({ declaration, queue, version, stats, lastRun }: TaskInsight): Task {
  const { id, kind, filePath, exportName, description, machine, schedule, payloadSchema } = declaration;
  return {
    id,
    kind,
    filePath,
    ...(exportName === undefined ? {} : { exportName }),
    ...(description === undefined ? {} : { description }),
    version,
    queue,
    ...(machine === undefined ? {} : { machine }),
    ...(schedule === undefined ? {} : { cron: schedule.cron }),
    hasPayloadSchema: payloadSchema !== undefined && payloadSchema !== null,
    stats: statsView(stats),
    lastRun:
      lastRun === undefined
        ? null
        : {
            id: lastRun.id,
            status: lastRun.status,
            createdAt: lastRun.createdAt.toISOString(),
            ...(lastRun.finishedAt === undefined ? {} : { finishedAt: lastRun.finishedAt.toISOString() }),
          },
  };
}

export function taskDetailView(task: TaskInsight): TaskDetail {
  const { payloadSchema, ...declaration } = task.declaration;
  return {
    ...taskView(task),
    declaration,
    ...(payloadSchema === undefined ? {} : { payloadSchema }),
    versionCreatedAt: task.versionCreatedAt.toISOString(),
  };
}

export function errorView({ taskId, code, firstSeenAt, lastSeenAt, series, ...group }: ErrorInsight): ErrorGroup {
  return {
    ...group,
    taskIdentifier: taskId,
    ...(code === undefined ? {} : { code }),
    firstSeenAt: firstSeenAt.toISOString(),
    lastSeenAt: lastSeenAt.toISOString(),
    series: series.map(({ at, count }) => ({ at: at.toISOString(), count })),
  };
}

/** As a single batch's status: open until all its items have come and their runs have ended. */
export function listedBatchView(batch: ListedBatch): ListedBatchReply {
  const { id, idempotencyKey, parentRunId, runCount, triggered, live, failed, errors } = batch;
  const isDone = batch.isSealed && live === 0;
  return {
    id,
    status: !isDone ? "PENDING" : errors > 0 ? "PARTIAL_FAILED" : "COMPLETED",
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(parentRunId === undefined ? {} : { parentRunId }),
    createdAt: batch.createdAt.toISOString(),
    updatedAt: batch.updatedAt.toISOString(),
    runCount,
    counts: { triggered, live, failed, errors },
  };
}

export function usageView(usage: { pausedAt: Date | undefined; limits: LimitUsage[] }): EnvironmentUsage {
  return {
    isPaused: usage.pausedAt !== undefined,
    pausedAt: usage.pausedAt?.toISOString() ?? null,
    limits: usage.limits.map(({ used, ...limit }) => ({
      ...limit,
      isChanged: limit.value !== limit.default,
      used: used ?? null,
    })),
  };
}
