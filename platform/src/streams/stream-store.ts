import type { Limits, StreamChunk } from "@gantry/sdk/contract";
import type { WaitpointRequest } from "../waitpoints/waitpoint.ts";
import type { AppendDecision } from "./append-policy.ts";
import type { Append, Appended, StoredStream, StreamLook, StreamRef, WritingExecution } from "./stream.ts";

/** FENCED: the execution is not the run's any more. RUN_ENDED: or there is no such run. */
export type Refused = { refused: "FENCED" | "RUN_ENDED" } | { refused: Extract<AppendDecision, { store: false }> };

/**
 * The truth about streams. Ids are UUIDs; each method that writes is one transaction, durable when it resolves. While it lasts the
 * run cannot end, so that a stream of a run that has ended never grows. Errors: STORE_UNAVAILABLE (retryable).
 */
export interface StreamStore {
  /** Appends of one stream come one after the other; what is stored already is passed over. */
  append(
    stream: StreamRef,
    append: Append,
    limits: Limits,
    writer: WritingExecution | undefined,
  ): Promise<Appended | Refused>;
  /**
   * Appends a message and gives it to the oldest wait, in one transaction; wake the wake loop where `isTaken`. One with an id that
   * the stream has changes nothing.
   */
  send(stream: StreamRef, message: { id: string; chunk: string }, limits: Limits): Promise<Sent | Refused>;
  /**
   * Makes a token for the oldest message that no wait has, complete at once where there is one (its output: `{ index, data }`).
   * With an idempotency key that is known it answers with the first token.
   */
  wait(
    stream: StreamRef,
    token: WaitpointRequest & { id: string },
    limits: Limits,
    writer: WritingExecution | undefined,
  ): Promise<{ id: string; isCached: boolean } | Refused>;
  /** In the order of the input; undefined: there is no such run. */
  look(streams: readonly StreamRef[]): Promise<(StreamLook | undefined)[]>;
  /** From `from` on, at most about `maxBytes` but one append's chunks at least, where there are any. */
  read(streamId: string, from: number, maxBytes: number): Promise<StreamChunk[]>;
  /** Oldest first; undefined: there is no such run. */
  list(environmentId: number, runId: string): Promise<StoredStream[] | undefined>;
}

export interface Sent {
  index: number;
  isTaken: boolean;
}
