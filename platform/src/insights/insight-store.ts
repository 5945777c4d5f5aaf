import type { RunStatus, TaskDeclaration } from "@gantry/sdk/contract";
import type { StatWindow } from "./stat-window-policy.ts";
import type { StatRow } from "./stats-policy.ts";

export interface DeclaredTask {
  declaration: TaskDeclaration;
  queue: string;
  version: string;
  versionCreatedAt: Date;
}

export interface LastRun {
  /** Public id. */
  id: string;
  status: RunStatus;
  createdAt: Date;
  finishedAt: Date | undefined;
}

export interface ErrorGroup {
  fingerprint: string;
  taskId: string;
  /** Of the latest of its runs, as are name, code and message. */
  status: RunStatus;
  name: string;
  code: string | undefined;
  message: string;
  firstSeenAt: Date;
  lastSeenAt: Date;
  /** Public id. */
  sampleRunId: string;
}

export interface ErrorFilter {
  taskIds?: string[] | undefined;
  search?: string | undefined;
  /** Seen since. */
  from: Date;
}

/** A batch as lists show it; ids are public. */
export interface ListedBatch {
  id: string;
  idempotencyKey: string | undefined;
  parentRunId: string | undefined;
  createdAt: Date;
  updatedAt: Date;
  isSealed: boolean;
  runCount: number;
  triggered: number;
  live: number;
  failed: number;
  errors: number;
}

export interface Usage {
  pausedAt: Date | undefined;
  executing: number;
  /** Counted up to `countedTo`. */
  queued: number;
  held: number;
  schedules: number;
  /** Of stored processes. */
  checkpointBytes: number;
}

/** What the tables say of many runs together. Reads are bounded by what they are asked for, not by how many runs there are. */
export interface InsightStore {
  /** Tasks of the current version behind one, by id; `size` at most. */
  tasks(
    environmentId: number,
    page: { after: string; search: string | undefined; size: number },
  ): Promise<DeclaredTask[]>;
  task(environmentId: number, taskId: string): Promise<DeclaredTask | undefined>;
  lastRuns(environmentId: number, taskIds: string[]): Promise<Map<string, LastRun>>;
  /** By task; "" stands for all tasks together. */
  stats(environmentId: number, taskIds: string[], window: StatWindow): Promise<Map<string, StatRow[]>>;
  /** The latest first; `next` is where to go on. Errors: BAD_REQUEST for a cursor that is none. */
  errors(
    environmentId: number,
    filter: ErrorFilter,
    page: { after: string | undefined; size: number },
  ): Promise<{ groups: ErrorGroup[]; next: string | undefined }>;
  error(environmentId: number, fingerprint: string): Promise<ErrorGroup | undefined>;
  /** Runs by fingerprint and point of the window. */
  errorStats(environmentId: number, fingerprints: string[], window: StatWindow): Promise<Map<string, number[]>>;
  /** Newest first; `size` at most. Ids are UUIDs. */
  batches(
    environmentId: number,
    filter: { from?: Date; to?: Date },
    page: { size: number; after?: string; before?: string },
  ): Promise<ListedBatch[]>;
  usage(environmentId: number, countedTo: number): Promise<Usage>;
  /**
   * Counts runs that have ended since the last call, each once, whoever calls and is killed when. True where there are more.
   */
  countEnded(): Promise<boolean>;
  /** Deletes figures that are too old to be shown. */
  deleteOld(runDays: number): Promise<void>;
}
