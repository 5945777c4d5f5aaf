import type { CheckpointReason, NodeFeatures, RestoreGrant } from "@gantry/sdk/contract";
import type { ExecutionRef } from "../runs/run-store.ts";

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

/** What became of the worker of a run that waits, as people see it. */
export interface ParkedView {
  mode: "hold" | "replay" | "process";
  reason: CheckpointReason;
  /** Undefined where it was parked before this was kept. */
  since: Date | undefined;
  /** What forbids a replay. */
  because: string | undefined;
  stored: CheckpointView | undefined;
}

/** A stored process. */
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
  /**
   * The key is made here, and kept sealed. Errors: a refusal where the environment has too much stored, with what has come so
   * far of others; how large this one will be is looked at by JournalStore.park, which never passes the limit.
   */
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
  /** Undefined where the run has no checkpoint. */
  restoreNeeds(environmentId: number, runId: string): Promise<RestoreNeeds | undefined>;
  /** One transaction: the execution owns the run, the checkpoint is spent, and the run refers to none any more. Idempotent. */
  spend(
    execution: ExecutionRef & { environmentId: number },
    checkpointId: string,
  ): Promise<"granted" | "fenced" | "spent">;
  /** Notes that it could not be brought back there; how often that was so by now. */
  noteFailure(environmentId: number, runId: string, node: string | undefined): Promise<number>;
  /** Of a run that waits, or whose stored process is not there again yet; else, and where a kept worker was lost, undefined. */
  ofRun(environmentId: number, runId: string): Promise<ParkedView | undefined>;
  /** Deletes what no live run refers to and was not begun lately; how many. At most `limit`. */
  sweep(stagedForMs: number, limit: number): Promise<number>;
  /** Of the whole installation. */
  figures(): Promise<{ stored: number; storedBytes: number; staged: number }>;
  /** Said by every worker that starts: what is no news writes nothing. */
  noteNode(features: NodeFeatures, works: boolean, reason: string | undefined): Promise<void>;
  /** By name; what was said in the last day, of at most 1,000. */
  nodes(): Promise<CheckpointNode[]>;
}
