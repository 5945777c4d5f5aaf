import type { TraceSpan } from "@gantry/sdk/contract";
import { isFinalRunStatus } from "@gantry/sdk/contract";
import type { RunDetail, StoredRunEvent } from "../runs/run.ts";

/** A run as a tree of spans, as Trigger.dev's clients read it: the run, its attempts, and each attempt's log lines. */
export function traceOf(run: RunDetail, events: readonly StoredRunEvent[], nowMs: number): TraceSpan {
  const endedAt = run.finishedAt?.getTime() ?? nowMs;
  const root = span(run, run.id, undefined, run.taskId, (run.startedAt ?? run.createdAt).getTime(), endedAt, {
    isError: isFinalRunStatus(run.status) && run.status !== "COMPLETED" && run.status !== "CANCELED",
    isPartial: !isFinalRunStatus(run.status),
    isCancelled: run.status === "CANCELED",
  });
  const numbers = new Set([...run.attempts.map(({ number }) => number), ...events.map(({ attempt }) => attempt)]);
  for (const number of [...numbers].sort((a, b) => a - b))
    root.children.push(attemptSpan(run, number, events, endedAt));
  return root;
}

function attemptSpan(run: RunDetail, number: number, events: readonly StoredRunEvent[], endedAt: number): TraceSpan {
  const record = run.attempts.findLast((attempt) => attempt.number === number);
  const lines = events.filter(({ attempt }) => attempt === number);
  const start = record === undefined ? (lines[0]?.at.getTime() ?? endedAt) : Date.parse(record.startedAt);
  const end = record === undefined ? endedAt : Date.parse(record.finishedAt);
  const id = `${run.id}.${number}`;
  const attempt = span(run, id, run.id, `Attempt ${number}`, start, end, {
    isError: record !== undefined && record.outcome !== "COMPLETED" && record.outcome !== "DEFERRED",
    isPartial: record === undefined && !isFinalRunStatus(run.status),
    isCancelled: record?.outcome === "CANCELED",
  });
  attempt.children = lines.map((line) => {
    const child = span(run, `${id}.${line.cursor}`, id, line.message, line.at.getTime(), line.at.getTime(), {
      isError: line.level === "error",
      isPartial: false,
      isCancelled: false,
    });
    child.data.level = line.level.toUpperCase();
    if (line.data !== undefined) child.data.properties = { data: line.data };
    return child;
  });
  return attempt;
}

function span(
  run: RunDetail,
  id: string,
  parentId: string | undefined,
  message: string,
  startMs: number,
  endMs: number,
  flags: { isError: boolean; isPartial: boolean; isCancelled: boolean },
): TraceSpan {
  return {
    id,
    ...(parentId === undefined ? {} : { parentId }),
    runId: run.id,
    data: {
      message,
      taskSlug: run.taskId,
      startTime: new Date(startMs).toISOString(),
      duration: Math.max(0, endMs - startMs) * 1e6,
      ...flags,
      level: "TRACE",
      queueName: run.queue,
      ...(run.version === undefined ? {} : { workerVersion: run.version }),
      ...(run.machine === undefined ? {} : { machinePreset: run.machine }),
    },
    children: [],
  };
}
