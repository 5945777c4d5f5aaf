import type { TraceSpan, WireError } from "@gantry/sdk/contract";
import { isFailedRunStatus, isFinalRunStatus } from "@gantry/sdk/contract";
import type { JournalView } from "../journal/journal-store.ts";
import type { RunDetail, StoredRunEvent } from "../runs/run.ts";
import { runError } from "./run-view.ts";

export interface TraceParts {
  events: readonly StoredRunEvent[];
  /** Its steps, waits and children become spans too. */
  journal: readonly JournalView[];
  /** Of a run that waits: what became of its worker, and why; shown on what it waits for. */
  checkpoint?: Record<string, unknown> | undefined;
}

/**
 * A run as a tree of spans, as Trigger.dev's clients read it: the run, its attempts, and in each attempt, by time, its steps,
 * waits and children and its log lines.
 */
export function traceOf(run: RunDetail, parts: TraceParts, nowMs: number): TraceSpan {
  const endedAt = run.finishedAt?.getTime() ?? nowMs;
  const root = span(run, run.id, undefined, run.taskId, (run.startedAt ?? run.createdAt).getTime(), endedAt, {
    isError: isFailedRunStatus(run.status),
    isPartial: !isFinalRunStatus(run.status),
    isCancelled: run.status === "CANCELED",
  });
  const shown = { ...parts, journal: parts.journal.filter(({ kind }) => kind !== "clock") };
  const numbers = new Set(
    [...shown.events, ...shown.journal].map(({ attempt }) => attempt).concat(run.attempts.map(({ number }) => number)),
  );
  for (const number of [...numbers].sort((a, b) => a - b)) root.children.push(attemptSpan(run, number, shown, endedAt));
  return root;
}

function attemptSpan(
  run: RunDetail,
  number: number,
  { events, journal, checkpoint }: TraceParts,
  endedAt: number,
): TraceSpan {
  const record = run.attempts.findLast((attempt) => attempt.number === number);
  const lines = events.filter(({ attempt }) => attempt === number);
  const calls = journal.filter(({ attempt }) => attempt === number);
  const first = Math.min(...lines.map(({ at }) => at.getTime()), ...calls.map(startOf), endedAt);
  const start = record === undefined ? first : Date.parse(record.startedAt);
  const end = record === undefined ? endedAt : Date.parse(record.finishedAt);
  const id = `${run.id}.${number}`;
  const attempt = span(run, id, run.id, `Attempt ${number}`, start, end, {
    isError: record !== undefined && record.outcome !== "COMPLETED" && record.outcome !== "DEFERRED",
    isPartial: record === undefined && !isFinalRunStatus(run.status),
    isCancelled: record?.outcome === "CANCELED",
  });
  const logged = lines.map((line) => {
    const child = span(run, `${id}.${line.cursor}`, id, line.message, line.at.getTime(), line.at.getTime(), {
      isError: line.level === "error",
      isPartial: false,
      isCancelled: false,
    });
    child.data.level = line.level.toUpperCase();
    if (line.data !== undefined) child.data.properties = { data: line.data };
    return child;
  });
  const called = calls.map((call) => callSpan(run, id, call, endedAt, checkpoint));
  attempt.children = [...logged, ...called].sort((a, b) => a.data.startTime.localeCompare(b.data.startTime));
  return attempt;
}

const startOf = ({ startedAt, openedAt }: JournalView) => (startedAt ?? openedAt).getTime();

/** A step, a wait, a child: open until it is complete, or its run has ended. */
function callSpan(
  run: RunDetail,
  attemptId: string,
  call: JournalView,
  endedAt: number,
  checkpoint: TraceParts["checkpoint"],
): TraceSpan {
  const { kind, label, completedAt } = call;
  const isOpen = completedAt === undefined;
  const hasEnded = isFinalRunStatus(run.status);
  const message = label === "" ? kind : `${NAMES[kind] ?? kind} ${label}`;
  const end = completedAt?.getTime() ?? endedAt;
  const shown = span(run, `${run.id}.j${call.entry}`, attemptId, message, startOf(call), end, {
    isError: call.ok === false,
    isPartial: isOpen && !hasEnded,
    isCancelled: isOpen && hasEnded,
  });
  shown.data.properties = { ...properties(call), checkpoint: isOpen ? checkpoint : undefined };
  return shown;
}

function properties({ kind, entry, tries, dueAt, tokenId, childRunId, batchId, error }: JournalView) {
  const shownError = error === undefined || error === null ? undefined : runError(error as WireError);
  return { kind, entry, tries, dueAt: dueAt?.toISOString(), tokenId, childRunId, batchId, error: shownError };
}

/** What people call a journal's kinds; a step is its name. */
const NAMES: Record<string, string> = {
  step: "step",
  time: "wait",
  token: "wait for token",
  child: "wait for run of",
  batch: "wait for batch of",
  trigger: "trigger",
  hook: "hook",
};

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
