import type { RunDetail } from "./run.ts";

/** Runs whose newest are shown together. Ids are public. */
export type RunSet =
  | { kind: "tag"; tags: readonly string[]; createdAfter: Date }
  | { kind: "batch"; batchId: string }
  | { kind: "environment" };

export interface RunRef {
  environmentId: number;
  /** Public id. */
  runId: string;
}

/** Tells runs apart: one that an environment asks for is not found by being another's. */
export const keyOf = ({ environmentId, runId }: RunRef): string => `${environmentId} ${runId}`;

/** A run to be read, and which of its fields are not worth reading. */
export interface WantedRun extends RunRef {
  withPayload: boolean;
  /** Its output, error and attempts; as lists show it where this is false. */
  isWhole: boolean;
}

/** What realtime asks the store. Errors: of the database; whoever asks tries again. */
export interface LiveReads {
  /**
   * Runs as they are now, live or ended, by `keyOf`; those that are not there are left out. A payload or output too large for a
   * reply is not read: its `data` is longer than the limit, and says nothing.
   */
  read(wanted: readonly WantedRun[]): Promise<Map<string, RunDetail>>;
  /** Revisions by `keyOf`, of those that are there. */
  revisions(runs: readonly RunRef[]): Promise<Map<string, number>>;
  /** The newest members of a set, newest first, at most `limit`. */
  members(environmentId: number, set: RunSet, limit: number): Promise<{ runId: string; revision: number }[]>;
  hasBatch(environmentId: number, batchId: string): Promise<boolean>;
}
