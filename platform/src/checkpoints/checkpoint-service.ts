import type { EnvironmentRef } from "../projects/principal.ts";
import type { RunDetail } from "../runs/run.ts";
import type { ParkedView } from "./checkpoint-store.ts";

/** A stored process as its worker names it; the ids of the environment and the execution are its token's. */
export interface ChunkOwner {
  environmentId: number;
  executionId: string;
  checkpointId: string;
}

/** What became of the worker of a run that waits. */
export interface RunCheckpoint extends Omit<ParkedView, "since"> {
  parkedAt: Date;
  /** The machine preset that nobody holds meanwhile. */
  frees: string | undefined;
}

/** What the edges may ask of stored processes. */
export interface CheckpointService {
  /** Errors: EXECUTION_FENCED where the environment is gone, LIMIT_EXCEEDED where such a chunk lies beyond checkpointBytes. */
  allowChunk(owner: ChunkOwner, number: number): Promise<void>;
  /** Once or again, with the same effect. `chunk` is the caller's again once it has settled. Errors: CHECKPOINT_SPENT, STORAGE_FULL. */
  putChunk(owner: ChunkOwner, number: number, chunk: Buffer): Promise<void>;
  /** Errors: CHECKPOINT_NOT_FOUND. */
  getChunk(owner: ChunkOwner, number: number): Promise<Buffer>;
  /** Undefined where the run neither waits nor has a stored process to be brought back, or its kept worker was lost. */
  ofRun(environment: EnvironmentRef, run: RunDetail): Promise<RunCheckpoint | undefined>;
}
