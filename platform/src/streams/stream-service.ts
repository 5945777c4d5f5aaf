import type { EnvironmentRef } from "../projects/principal.ts";
import type { WaitpointRequest } from "../waitpoints/waitpoint.ts";
import type { Append, Appended, StoredStream, StreamReading, StreamRef, WritingExecution } from "./stream.ts";

type NamedStream = Omit<StreamRef, "environmentId">;

/**
 * What the edges may ask about streams. Ids are public (`run_…`). Errors of all: MALFORMED_ID; of all but reading: RUN_NOT_FOUND or
 * RUN_ALREADY_FINISHED, EXECUTION_FENCED, STREAM_LIMIT, STORAGE_FULL.
 */
export interface StreamService {
  /** Errors: STREAM_DIVERGED, STREAM_ENDED, CONFLICT where chunks of the producer are missing. */
  append(
    environment: EnvironmentRef,
    stream: NamedStream,
    append: Append,
    writer?: WritingExecution,
  ): Promise<Appended>;
  /** A message to the run: JSON text. */
  send(
    environment: EnvironmentRef,
    stream: Omit<NamedStream, "direction">,
    message: { id: string; chunk: string },
  ): Promise<{ index: number }>;
  /** A token for the next message that no other wait has. */
  wait(
    environment: EnvironmentRef,
    stream: Omit<NamedStream, "direction">,
    request: WaitpointRequest,
    writer?: WritingExecution,
  ): Promise<{ id: string; isCached: boolean }>;
  /** Errors: RUN_NOT_FOUND. Of streams that nobody has written yet too. */
  open(environment: EnvironmentRef, stream: NamedStream, from: number | "latest"): Promise<StreamReading>;
  /** Errors: RUN_NOT_FOUND. Oldest first. */
  list(environment: EnvironmentRef, runId: string): Promise<StoredStream[]>;
}
