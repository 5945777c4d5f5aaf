import type { JournalItem, RunEventItem } from "@gantry/sdk";
import type { Attempt, Segment, SegmentUse } from "./timeline-span.ts";

interface AttemptFacts {
  startMs: number;
  endMs: number | undefined;
  records: readonly Attempt[];
  journal: readonly JournalItem[];
  events: readonly RunEventItem[];
}

/** What a worker writes beside its words when its process is kept or leaves, and when another goes on. */
interface WorkerNote {
  checkpoint?: { mode: string; reason: string };
  /** In another process, or in its own that was brought back. */
  execution?: "resumed" | "restored";
}

/**
 * When an attempt was on a worker: from its start to where its process left, from where another went on, and so forth. Where
 * the process was kept while the run waited, the stretch is `held`; where it was stored, `stored`. One stretch alone says nothing
 * that the attempt's own bar does not.
 */
export function workerSegments(facts: AttemptFacts): Segment[] {
  const changes = [...losses(facts), ...notes(facts)].sort((a, b) => a.atMs - b.atMs);
  const segments: Segment[] = [];
  let open: Segment | undefined = { startMs: facts.startMs, endMs: undefined, use: "running" };
  const close = (atMs: number) => {
    if (open !== undefined && atMs > open.startMs) segments.push({ ...open, endMs: atMs });
    open = undefined;
  };
  for (const { atMs, to } of changes) {
    if (to === open?.use || (to === "gone" && open === undefined)) continue;
    close(atMs);
    if (to !== "gone") open = { startMs: atMs, endMs: undefined, use: to };
  }
  if (open !== undefined) segments.push({ ...open, endMs: facts.endMs });
  return segments;
}

interface Change {
  atMs: number;
  to: SegmentUse | "gone";
}

const WHEN_PARKED: Record<string, SegmentUse> = { hold: "held", process: "stored" };

function losses({ records }: AttemptFacts): Change[] {
  return records.slice(0, -1).flatMap((record, index) => {
    const next = records[index + 1];
    const gone: Change = { atMs: Date.parse(record.finishedAt), to: "gone" };
    return next === undefined ? [gone] : [gone, { atMs: Date.parse(next.startedAt), to: "running" as const }];
  });
}

/** A kept process goes on when the first of what it waits for is there; so does one that left, where its worker did not say. */
function notes({ events, journal }: AttemptFacts): Change[] {
  return events.flatMap(({ at, data }): Change[] => {
    const note = (data ?? {}) as WorkerNote;
    const atMs = at.getTime();
    if (note.execution !== undefined) return [{ atMs, to: "running" }];
    if (note.checkpoint === undefined) return [];
    const wakesAtMs = firstCompletionAfter(journal, atMs);
    const woken: Change[] = wakesAtMs === undefined ? [] : [{ atMs: wakesAtMs, to: "running" }];
    return [{ atMs, to: WHEN_PARKED[note.checkpoint.mode] ?? "gone" }, ...woken];
  });
}

function firstCompletionAfter(journal: readonly JournalItem[], atMs: number): number | undefined {
  const ends = journal
    .filter(({ openedAt }) => openedAt.getTime() <= atMs)
    .flatMap(({ completedAt }) =>
      completedAt !== undefined && completedAt.getTime() > atMs ? [completedAt.getTime()] : [],
    );
  return ends.length === 0 ? undefined : Math.min(...ends);
}
