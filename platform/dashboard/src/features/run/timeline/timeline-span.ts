import type { JournalItem, RetrievedRun, RunEventItem } from "@gantry/sdk";

/** All of a run that its timeline is made of. `events` may be empty: they only add spans and where its workers changed. */
export interface TimelineSource {
  run: TimelineRun;
  journal: readonly JournalItem[];
  events: readonly RunEventItem[];
}

export type TimelineRun = Pick<
  RetrievedRun<unknown, unknown>,
  | "id"
  | "status"
  | "taskIdentifier"
  | "createdAt"
  | "startedAt"
  | "finishedAt"
  | "delayedUntil"
  | "attempts"
  | "isCompleted"
  | "relatedRuns"
>;
export type Attempt = NonNullable<TimelineRun["attempts"]>[number];

export type SpanKind =
  | "run"
  | "delay"
  | "queue"
  | "attempt"
  | "backoff"
  | "worker"
  | "step"
  | "span"
  | "time"
  | "token"
  | "child"
  | "batch"
  | "trigger"
  | "hook";

/** `open` goes on; `left` was never finished: its run ended first. */
export type SpanState = "open" | "done" | "failed" | "canceled" | "left";

export type SegmentUse = "running" | "held" | "stored";

/** A stretch within a bar: on a worker, kept by one while the run waits, or in Postgres meanwhile. */
export interface Segment {
  startMs: number;
  /** Undefined: it goes on. */
  endMs: number | undefined;
  use: SegmentUse;
}

export interface TimelineSpan {
  id: string;
  kind: SpanKind;
  label: string;
  startMs: number;
  /** Undefined: it goes on. */
  endMs: number | undefined;
  state: SpanState;
  children: TimelineSpan[];
  /** When a wait ends at the latest. */
  dueAtMs?: number | undefined;
  /** In words, for its row and the table. */
  note?: string | undefined;
  /** Another run, whose own spans can be shown below. */
  childRunId?: string | undefined;
  batchId?: string | undefined;
  tokenId?: string | undefined;
  segments?: Segment[] | undefined;
  entry?: JournalItem | undefined;
  attempt?: Attempt | undefined;
}
