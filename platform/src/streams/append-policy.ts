import type { Limits } from "@gantry/sdk/contract";
import type { ErrorCode } from "../errors.ts";
import type { Append } from "./stream.ts";

export interface AppendFacts {
  /** Undefined: this would be its first chunk. */
  stream: { chunks: number; bytes: number; isEnded: boolean; endedAttempt: number | undefined } | undefined;
  /** How many streams of this direction the run has. */
  streams: number;
  /** How many chunks of the producer are stored. */
  sequence: number;
  /** Of these, from the append's first one on: as many as it brings again. */
  again: readonly string[];
}

type StreamLimits = Pick<Limits, "streamBytes" | "streamChunkBytes" | "streamsPerRun">;

export type AppendDecision =
  /** `fresh`: what is to be stored. `opens`: a later attempt goes on where an earlier one had ended the stream. */
  | { store: true; fresh: string[]; bytes: number; opens: boolean }
  | { store: false; code: ErrorCode; message: string; details?: Record<string, unknown> };

/**
 * What becomes of an append. Pure: what a producer sends again is passed over where it is the same, so that a request that is
 * repeated, and code that is run again, write nothing twice.
 */
export function decideAppend(facts: AppendFacts, append: Append, limits: StreamLimits): AppendDecision {
  const { stream, sequence, again } = facts;
  if (append.sequence > sequence) {
    return refuse(
      "CONFLICT",
      `The producer has stored ${sequence} chunks, and goes on with number ${append.sequence}.`,
    );
  }
  const differing = again.findIndex((chunk, index) => append.chunks[index] !== chunk);
  if (differing !== -1) {
    const at = append.sequence + differing;
    return refuse("STREAM_DIVERGED", `Chunk ${at} of the producer is not what it stored before.`, { sequence: at });
  }
  const fresh = append.chunks.slice(again.length);
  const isNews = fresh.length > 0 || (append.ends && stream?.isEnded !== true);
  const opens = isNews && stream?.isEnded === true;
  if (opens && !isLater(append.attempt, stream.endedAttempt)) {
    return refuse("STREAM_ENDED", "The stream has ended.");
  }
  return refuseOver(facts, fresh, limits) ?? { store: true, fresh, bytes: bytesOf(fresh), opens };
}

function refuseOver(
  { stream, streams }: AppendFacts,
  fresh: string[],
  limits: StreamLimits,
): AppendDecision | undefined {
  const { streamBytes, streamChunkBytes, streamsPerRun } = limits;
  if (stream === undefined && streams >= streamsPerRun) return overLimit("streamsPerRun", streamsPerRun, streams + 1);
  for (const chunk of fresh) {
    const bytes = Buffer.byteLength(chunk);
    if (bytes > streamChunkBytes) return overLimit("streamChunkBytes", streamChunkBytes, bytes);
  }
  const bytes = (stream?.bytes ?? 0) + bytesOf(fresh);
  return fresh.length > 0 && bytes > streamBytes ? overLimit("streamBytes", streamBytes, bytes) : undefined;
}

/** As they are stored: with a line's end each. */
function bytesOf(chunks: readonly string[]): number {
  return chunks.reduce((sum, chunk) => sum + Buffer.byteLength(chunk) + 1, 0);
}

function isLater(attempt: number | undefined, endedAttempt: number | undefined): boolean {
  return attempt !== undefined && endedAttempt !== undefined && attempt > endedAttempt;
}

const WHAT = { streamBytes: "bytes in the stream", streamChunkBytes: "bytes in a chunk", streamsPerRun: "streams" };

function overLimit(limit: keyof typeof WHAT, limitValue: number, value: number): AppendDecision {
  const message = `There would be ${value} ${WHAT[limit]}; the limit ${limit} is ${limitValue}.`;
  return refuse("STREAM_LIMIT", message, { limit, limitValue, value });
}

function refuse(code: ErrorCode, message: string, details?: Record<string, unknown>): AppendDecision {
  return { store: false, code, message, ...(details === undefined ? {} : { details }) };
}
