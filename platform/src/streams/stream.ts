import type { StreamChunk, StreamDirection } from "@gantry/sdk/contract";

/** A stream by what it is called. `runId` is a UUID in the store, public at the service. */
export interface StreamRef {
  environmentId: number;
  runId: string;
  direction: StreamDirection;
  name: string;
}

/** Chunks of one producer, in order. */
export interface Append {
  producer: string;
  /** How many chunks of the producer come before the first. */
  sequence: number;
  /** JSON texts without line breaks. */
  chunks: string[];
  attempt?: number | undefined;
  /** The stream ends after them. */
  ends: boolean;
}

/** Which execution writes, where a run does: it writes nothing once it is no longer the run's. */
export interface WritingExecution {
  runId: string;
  executionId: string;
  fence: string;
}

export interface Appended {
  /** Index of the stream's next chunk. */
  next: number;
  /** How many chunks of the producer are stored. */
  sequence: number;
  isEnded: boolean;
}

/** How a stream stands. */
export interface StreamLook {
  /** Undefined while it has never been written. */
  streamId: string | undefined;
  /** How many chunks it has. */
  next: number;
  /** Nothing more will come: its producer or its run has ended. */
  isEnded: boolean;
}

export interface StoredStream {
  name: string;
  direction: StreamDirection;
  chunks: number;
  bytes: number;
  isEnded: boolean;
  createdAt: Date;
  updatedAt: Date;
}

/** A stream that is read from some index on, as it grows. */
export interface StreamReading {
  /**
   * What follows what was read before, at most about `maxBytes` of it but one chunk at least; waits until there is some. Empty:
   * the stream has ended, or the signal was aborted. One call at a time.
   */
  read(maxBytes: number, signal?: AbortSignal): Promise<{ chunks: StreamChunk[]; isEnded: boolean }>;
  /** Resolves when `read` would not wait: for those who read only when they have room for it. */
  readable(signal?: AbortSignal): Promise<void>;
  /** Index of the chunk that comes next. */
  readonly next: number;
  close(): void;
}
