import type { RunFilter } from "./run.ts";

export type BulkActionType = "CANCEL" | "REPLAY";

/** Something that is done to many runs. Ids are UUIDs within the store, public outside. */
export interface BulkAction {
  id: string;
  name: string | undefined;
  type: BulkActionType;
  /** As it was sent; undefined for a list of runs. */
  filter: Record<string, unknown> | undefined;
  total: number;
  succeeded: number;
  failed: number;
  isSelected: boolean;
  isCapped: boolean;
  createdAt: Date;
  completedAt: Date | undefined;
  abortedAt: Date | undefined;
}

export interface BulkFailure {
  runId: string;
  code: string;
  message: string;
}

export interface NewBulkAction {
  id: string;
  environmentId: number;
  name: string | undefined;
  type: BulkActionType;
  /** As sent, and as the store takes it. */
  filter: { sent: Record<string, unknown>; store: RunFilter } | undefined;
  /** Where they are known, nothing is looked for. */
  runIds: string[] | undefined;
}

/** One that goes on. */
export interface OpenBulkAction {
  id: string;
  environmentId: number;
  type: BulkActionType;
  /** Undefined where all runs are chosen. */
  choosing: { filter: RunFilter; cursor: string | undefined; total: number } | undefined;
}

export type BulkOutcome =
  | { runId: string; isDone: true; resultRunId: string | undefined }
  | { runId: string; isDone: false; code: string; message: string };

/** Every method is one transaction, and may be repeated. */
export interface BulkActionStore {
  create(action: NewBulkAction): Promise<void>;
  retrieve(environmentId: number, id: string): Promise<BulkAction | undefined>;
  /** The first ten. */
  failures(id: string): Promise<BulkFailure[]>;
  /** Newest first; `size` at most. */
  list(environmentId: number, page: { size: number; after?: string; before?: string }): Promise<BulkAction[]>;
  /** False where there is none that goes on. */
  abort(environmentId: number, id: string): Promise<boolean>;
  /** Those that are due, the oldest first. */
  open(limit: number): Promise<OpenBulkAction[]>;
  /** Adds runs; nothing happens where another has gone on from this cursor. `end`: no more are looked for. */
  choose(action: OpenBulkAction, runIds: string[], end: "more" | "all" | "capped"): Promise<void>;
  /** Runs that nothing was done to yet; none where it was aborted. */
  pending(id: string, limit: number): Promise<string[]>;
  /** Each run's outcome counts once. */
  record(id: string, outcomes: BulkOutcome[]): Promise<void>;
  complete(id: string): Promise<void>;
  /** It is not looked at for so long. */
  postpone(id: string, ms: number): Promise<void>;
}
