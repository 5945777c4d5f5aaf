import type { JournalItem, RelatedRun, RunEventItem } from "@gantry/sdk";
import { failsWith } from "../run-facts.ts";
import type { Attempt, SpanState, TimelineRun, TimelineSource, TimelineSpan } from "./timeline-span.ts";
import { workerSegments } from "./worker-segments.ts";

/**
 * A run as a tree of spans: what it waited for before it started, its attempts, and in each the workers it was on, its
 * steps, waits and children in the order in which they began. `loaded` are runs that have been opened below their parents.
 */
export function buildTimeline(
  source: TimelineSource,
  loaded: ReadonlyMap<string, TimelineSource> = new Map(),
): TimelineSpan {
  const { run } = source;
  const root: TimelineSpan = {
    id: run.id,
    kind: "run",
    label: run.taskIdentifier,
    startMs: run.createdAt.getTime(),
    endMs: run.finishedAt?.getTime(),
    state: stateOfRun(run),
    children: [],
  };
  root.children = [...beforeStart(run), ...attemptSpans(source, loaded)];
  return root;
}

function stateOfRun(run: Pick<TimelineRun, "status" | "isCompleted">): SpanState {
  if (!run.isCompleted) return "open";
  if (run.status === "COMPLETED") return "done";
  return run.status === "CANCELED" ? "canceled" : "failed";
}

/** Its delay, and how long it was queued for its first start. */
function beforeStart(run: TimelineRun): TimelineSpan[] {
  const createdMs = run.createdAt.getTime();
  const startedMs = run.startedAt?.getTime() ?? run.finishedAt?.getTime();
  const delayedMs = Math.min(run.delayedUntil?.getTime() ?? createdMs, startedMs ?? Number.POSITIVE_INFINITY);
  const spans: TimelineSpan[] = [];
  const stateAt = (endMs: number | undefined): SpanState =>
    endMs === undefined ? "open" : run.startedAt === undefined ? "left" : "done";
  if (delayedMs > createdMs && run.startedAt === undefined && run.status === "DELAYED") {
    return [plain(run, "delay", "Delayed", createdMs, undefined, "open", run.delayedUntil?.getTime())];
  }
  if (delayedMs > createdMs) spans.push(plain(run, "delay", "Delayed", createdMs, delayedMs, "done"));
  spans.push(plain(run, "queue", QUEUED[run.status] ?? "Queued", delayedMs, startedMs, stateAt(startedMs)));
  return spans;
}

const QUEUED: Record<string, string> = { PENDING_VERSION: "Waiting for a version", DEQUEUED: "A worker is starting" };

function plain(
  run: TimelineRun,
  kind: TimelineSpan["kind"],
  label: string,
  startMs: number,
  endMs: number | undefined,
  state: SpanState,
  dueAtMs?: number,
): TimelineSpan {
  return { id: `${run.id}.${kind}`, kind, label, startMs, endMs, state, children: [], dueAtMs };
}

function attemptSpans(source: TimelineSource, loaded: ReadonlyMap<string, TimelineSource>): TimelineSpan[] {
  const { run, journal, events } = source;
  const records = run.attempts ?? [];
  const numbers = new Set(
    [...records, ...journal.map(byAttempt), ...events.map(byAttempt)].map(({ number }) => number),
  );
  if (run.startedAt !== undefined && !run.isCompleted) numbers.add(currentAttempt(source));
  const spans: TimelineSpan[] = [];
  for (const number of [...numbers].filter((each) => each > 0).sort((a, b) => a - b)) {
    const previous = records.findLast((record) => record.number === number - 1);
    const attempt = attemptSpan(source, number, previous, loaded);
    const backoff = backoffSpan(run, previous, number, attempt.startMs);
    if (backoff !== undefined) spans.push(backoff);
    spans.push(attempt);
  }
  return withComingRetry(source, spans);
}

const byAttempt = ({ attempt }: { attempt: number }) => ({ number: attempt });

/** The one that goes on, or comes next. */
function currentAttempt({ run, journal, events }: TimelineSource): number {
  const last = run.attempts?.at(-1);
  const after = last === undefined ? 1 : ENDS_EXECUTION_ONLY.has(last.outcome) ? last.number : last.number + 1;
  if (last !== undefined && run.status !== "EXECUTING" && run.status !== "WAITING") return last.number;
  return Math.max(
    after,
    ...journal.slice(-1).map(({ attempt }) => attempt),
    ...events.slice(-1).map(({ attempt }) => attempt),
  );
}

/** The attempt goes on after it, on another worker. */
const ENDS_EXECUTION_ONLY = new Set(["LOST", "DEFERRED"]);

function attemptSpan(
  source: TimelineSource,
  number: number,
  previous: Attempt | undefined,
  loaded: ReadonlyMap<string, TimelineSource>,
): TimelineSpan {
  const { run } = source;
  const records = (run.attempts ?? []).filter((record) => record.number === number);
  const journal = source.journal.filter(({ attempt, kind }) => attempt === number && kind !== "clock");
  const events = source.events.filter(({ attempt }) => attempt === number);
  const last = records.at(-1);
  const hasEnded = last !== undefined && (!ENDS_EXECUTION_ONLY.has(last.outcome) || run.isCompleted);
  const startMs = startOfAttempt(run, number, previous, records, journal, events);
  const endMs = hasEnded ? Date.parse(last.finishedAt) : run.finishedAt?.getTime();
  const id = `${run.id}.${number}`;
  const segments = workerSegments({ startMs, endMs, records, journal: source.journal, events });
  const calls = journal.map((entry) => callSpan(run, entry, loaded));
  const children = [...calls, ...events.flatMap((event) => tracedSpan(id, event))].sort(
    (a, b) => a.startMs - b.startMs,
  );
  const lost = records.filter(({ outcome }) => outcome === "LOST").length;
  return {
    id,
    kind: "attempt",
    label: `Attempt ${number}`,
    startMs,
    endMs,
    state: attemptState(run, hasEnded ? last : undefined),
    note: lost > 0 ? `lost its worker ${lost === 1 ? "once" : `${lost} times`}` : undefined,
    attempt: last,
    children: segments.length > 1 ? [workersSpan(id, segments), ...children] : children,
  };
}

/** A record tells when its last stay on a worker began: the attempt may have begun before. */
function startOfAttempt(
  run: TimelineRun,
  number: number,
  previous: Attempt | undefined,
  records: readonly Attempt[],
  journal: readonly JournalItem[],
  events: readonly RunEventItem[],
): number {
  const firstMs = Math.min(
    ...records.map(({ startedAt }) => Date.parse(startedAt)),
    ...journal.map(startOfCall),
    ...events.slice(0, 1).map(({ at }) => at.getTime()),
  );
  if (number === 1 || previous === undefined) return Math.min(run.startedAt?.getTime() ?? firstMs, firstMs);
  const earliest = Date.parse(previous.finishedAt) + (previous.retryDelayMs ?? 0);
  return Number.isFinite(firstMs) ? Math.max(firstMs, Date.parse(previous.finishedAt)) : earliest;
}

function attemptState(run: TimelineRun, ended: Attempt | undefined): SpanState {
  if (ended === undefined) return run.isCompleted ? stateOfRun(run) : "open";
  if (ended.outcome === "COMPLETED") return "done";
  return ended.outcome === "CANCELED" ? "canceled" : "failed";
}

function backoffSpan(
  run: TimelineRun,
  previous: Attempt | undefined,
  number: number,
  endMs: number,
): TimelineSpan | undefined {
  if (previous === undefined) return undefined;
  const startMs = Date.parse(previous.finishedAt);
  if (endMs - startMs < 1) return undefined;
  return { ...plain(run, "backoff", "Before the retry", startMs, endMs, "done"), id: `${run.id}.${number}.backoff` };
}

/** The last attempt has failed, and another is due. */
function withComingRetry({ run }: TimelineSource, spans: TimelineSpan[]): TimelineSpan[] {
  const last = run.attempts?.at(-1);
  if (
    run.isCompleted ||
    last?.retryDelayMs === undefined ||
    spans.some(({ id }) => id === `${run.id}.${last.number + 1}`)
  )
    return spans;
  const startMs = Date.parse(last.finishedAt);
  const backoff = plain(run, "backoff", "Before the retry", startMs, undefined, "open", startMs + last.retryDelayMs);
  return [...spans, { ...backoff, id: `${run.id}.${last.number + 1}.backoff` }];
}

function workersSpan(id: string, segments: NonNullable<TimelineSpan["segments"]>): TimelineSpan {
  const last = segments.at(-1);
  const stays = segments.filter(({ use }) => use === "running").length;
  return {
    id: `${id}.workers`,
    kind: "worker",
    label: "Executions",
    startMs: segments[0]?.startMs ?? 0,
    endMs: last?.endMs,
    state: last?.endMs === undefined ? "open" : "done",
    note: `${stays} ${stays === 1 ? "stretch" : "stretches"} on a worker`,
    segments,
    children: [],
  };
}

export const startOfCall = ({ startedAt, openedAt }: JournalItem) => (startedAt ?? openedAt).getTime();

/** A step, a wait, a child: open until it is complete, or its run has ended. */
function callSpan(run: TimelineRun, entry: JournalItem, loaded: ReadonlyMap<string, TimelineSource>): TimelineSpan {
  const { kind, completedAt, state } = entry;
  const isLeft = completedAt === undefined && run.isCompleted;
  const span: TimelineSpan = {
    id: `${run.id}.j${entry.entry}`,
    kind: kind === "clock" ? "step" : kind,
    label: entry.label === "" ? entry.key : entry.label,
    startMs: startOfCall(entry),
    endMs: (isLeft ? run.finishedAt : completedAt)?.getTime(),
    state: isLeft ? "left" : completedAt === undefined ? "open" : state === "FAILED" ? "failed" : "done",
    note: noteOf(entry),
    dueAtMs: completedAt === undefined ? entry.dueAt?.getTime() : undefined,
    tokenId: entry.tokenId,
    batchId: entry.batchId,
    entry,
    children: [],
  };
  const children = run.relatedRuns?.children ?? [];
  if (kind === "batch") span.children = children.filter(inBatch(entry.batchId)).map((run) => relatedSpan(run, loaded));
  else if (entry.childRunId !== undefined) {
    span.childRunId = entry.childRunId;
    const below = loaded.get(entry.childRunId);
    if (below !== undefined) span.children = buildTimeline(below, loaded).children;
  }
  return span;
}

const inBatch = (batchId: string | undefined) => (run: RelatedRun) => batchId !== undefined && run.batchId === batchId;

function relatedSpan(run: RelatedRun, loaded: ReadonlyMap<string, TimelineSource>): TimelineSpan {
  const below = loaded.get(run.id);
  return {
    id: `${run.id}.row`,
    kind: "child",
    label: run.taskIdentifier,
    startMs: run.createdAt.getTime(),
    endMs: run.finishedAt?.getTime(),
    state: stateOfRun(run),
    childRunId: run.id,
    note: `run_…${run.id.slice(-6)}`,
    children: below === undefined ? [] : buildTimeline(below, loaded).children,
  };
}

function noteOf({ tries, state, error }: JournalItem): string | undefined {
  if (state === "FAILED") return failsWith(error);
  return tries > 1 ? `${tries} tries` : undefined;
}

/** What `logger.trace` measured. */
function tracedSpan(attemptId: string, { kind, data, at, message, level, cursor }: RunEventItem): TimelineSpan[] {
  const durationMs = (data as { durationMs?: unknown } | undefined)?.durationMs;
  if (kind !== "event" || typeof durationMs !== "number") return [];
  const endMs = at.getTime();
  const state = level === "error" ? "failed" : "done";
  const startMs = endMs - Math.max(0, durationMs);
  return [{ id: `${attemptId}.e${cursor}`, kind: "span", label: message, startMs, endMs, state, children: [] }];
}
