import type { NodeFeatures, RestoreGrant, StoredCheckpoint } from "@gantry/sdk/contract";
import type { ExecutionRef } from "../runs/run-store.ts";

/** What happens to a run whose stored process cannot be brought back, and what forbids a replay. */
export interface IfNotRestored {
  then: "replay" | "restart" | "fail";
  because?: string | undefined;
}

/** Why a checkpoint cannot be begun, and what the limit was. */
export interface CheckpointRefusal {
  limit: "environmentCheckpointBytes";
  max: number;
}

/** A checkpoint that a launch must find a node for. */
export interface RestoreNeeds {
  features: NodeFeatures;
  /** Where it was tried in vain. */
  refusedNodes: string[];
}

/** A node, as the last runner there found it. */
export interface CheckpointNode {
  features: NodeFeatures;
  works: boolean;
  reason: string | undefined;
  seenAt: Date;
}

/** As people see it. */
export interface CheckpointView {
  id: string;
  /** After and before compression. */
  storedBytes: number;
  bytes: number;
  storedAt: Date;
  node: string;
  /** Attempts to bring it back that failed. */
  failures: number;
}

/**
 * Processes of runs that wait, stored. A checkpoint is `staged` while its chunks come, `stored` from the park that names it on,
 * and `released` from the moment at which its run refers to it no more: its process goes on, or the run has ended, or does
 * without. A run's next grant restores exactly where `run.checkpoint_id` is set: that reference is what counts, and whatever is
 * released, or was staged too long ago, is swept. Ids are UUIDs; what is none is nobody's.
 */
export interface CheckpointStore {
  /** The key is made here, and kept sealed. Errors: a refusal where the environment has too much stored. */
  begin(
    execution: ExecutionRef & { environmentId: number },
    maxEnvironmentBytes: number,
  ): Promise<{ checkpointId: string; key: string } | CheckpointRefusal | "fenced">;
  /** Once or again, with the same effect. "refused": it is not this execution's, or is not staged any more. */
  putChunk(
    owner: { executionId: string; checkpointId: string },
    number: number,
    data: Buffer,
  ): Promise<"stored" | "refused">;
  /** For the execution that the run has now; undefined where it is another's or is not there. */
  getChunk(owner: { executionId: string; checkpointId: string }, number: number): Promise<Buffer | undefined>;
  /** What a grant of this run carries; undefined where the run has no checkpoint. */
  restoreGrant(environmentId: number, runId: string): Promise<RestoreGrant | undefined>;
  restoreNeeds(environmentId: number, runId: string): Promise<RestoreNeeds | undefined>;
  /** One transaction: the execution owns the run, the checkpoint is spent, and the run refers to none any more. Idempotent. */
  spend(
    execution: ExecutionRef & { environmentId: number },
    checkpointId: string,
  ): Promise<"granted" | "fenced" | "spent">;
  /** Notes that it could not be brought back there; how often that was so by now. */
  noteFailure(environmentId: number, runId: string, node: string | undefined): Promise<number>;
  /** The run does without: its next grant is a replay. */
  drop(environmentId: number, runId: string): Promise<void>;
  /** What is waiting, by run. */
  views(environmentId: number, runIds: string[]): Promise<Map<string, CheckpointView>>;
  /** Deletes what no live run refers to and was not begun lately; how many. At most `limit`. */
  sweep(stagedForMs: number, limit: number): Promise<number>;
  figures(): Promise<{ stored: number; storedBytes: number; staged: number }>;
  noteNode(features: NodeFeatures, works: boolean, reason: string | undefined): Promise<void>;
  nodes(): Promise<CheckpointNode[]>;
}

/** As `park` stores it, in its own transaction: see JournalStore.park. */
export type ParkedCheckpoint = StoredCheckpoint;
