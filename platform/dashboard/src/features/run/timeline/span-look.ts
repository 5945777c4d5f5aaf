import { formatDuration } from "../../../ui/format.ts";
import type { IconName } from "../../../ui/icon.tsx";
import type { Tone } from "../../../ui/tone.ts";
import type { SegmentUse, SpanKind, SpanState, TimelineSpan } from "./timeline-span.ts";

interface KindLook {
  icon: IconName;
  /** What people call it. */
  word: string;
  /** While it goes well. */
  tone: Tone | "accent";
}

export const KIND_LOOK: Record<SpanKind, KindLook> = {
  run: { icon: "runs", word: "Run", tone: "info" },
  delay: { icon: "clock", word: "Delay", tone: "neutral" },
  queue: { icon: "queue", word: "Queued", tone: "neutral" },
  attempt: { icon: "play", word: "Attempt", tone: "info" },
  backoff: { icon: "replay", word: "Pause", tone: "neutral" },
  worker: { icon: "cluster", word: "Executions", tone: "info" },
  step: { icon: "check-circle", word: "Step", tone: "accent" },
  span: { icon: "minus", word: "Span", tone: "accent" },
  time: { icon: "hourglass", word: "Wait", tone: "wait" },
  token: { icon: "token", word: "Wait for token", tone: "wait" },
  child: { icon: "arrow-right", word: "Child run", tone: "wait" },
  batch: { icon: "batch", word: "Batch", tone: "wait" },
  trigger: { icon: "bolt", word: "Trigger", tone: "accent" },
  hook: { icon: "dot", word: "Hook", tone: "neutral" },
};

const STATE_TONES: Partial<Record<SpanState, Tone>> = { failed: "danger", canceled: "neutral", left: "neutral" };

export function toneOf({ kind, state }: Pick<TimelineSpan, "kind" | "state">): Tone | "accent" {
  const ended = kind === "run" || kind === "attempt" ? ("success" as const) : KIND_LOOK[kind].tone;
  return STATE_TONES[state] ?? (state === "done" ? ended : KIND_LOOK[kind].tone);
}

export function iconOf({ kind, state }: Pick<TimelineSpan, "kind" | "state">): IconName {
  if (state === "failed") return "x-circle";
  return state === "canceled" || state === "left" ? "cancel" : KIND_LOOK[kind].icon;
}

export const STATE_WORDS: Record<SpanState, string> = {
  open: "goes on",
  done: "done",
  failed: "failed",
  canceled: "canceled",
  left: "not finished",
};

/** A stretch of an execution: in the legend, at its bar, in the details. */
export const SEGMENT_WORDS: Record<SegmentUse, string> = {
  running: "on a worker",
  held: "kept while it waits",
  stored: "stored in Postgres",
};

export function durationOf({ startMs, endMs }: Pick<TimelineSpan, "startMs" | "endMs">, nowMs: number): string {
  return formatDuration(Math.max(0, (endMs ?? nowMs) - startMs));
}

/** "1.2 s", "3m 05s": since the start of the run; finer than a duration where ticks are close. */
export function formatOffset(ms: number): string {
  if (ms === 0) return "0";
  if (ms < 1) return `${Number(ms.toPrecision(2))} ms`;
  return formatDuration(ms);
}
