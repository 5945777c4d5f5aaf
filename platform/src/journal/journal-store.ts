import type { JournalAppend, JournalCompletion, JournalSnapshot, Limits, RunnerMessage } from "@gantry/sdk/contract";
import type { CheckpointRefusal } from "../checkpoints/checkpoint-store.ts";
import type { LaneAnnouncement } from "../runs/run-store.ts";

export type JournalLimits = Pick<Limits, "journalEntries" | "journalBytes" | "journalValueBytes">;

export interface JournalReply {
  /** PARKED: the run has no slot, and what is told must not reach its code yet. */
  state: "RUNNING" | "PARKED";
  /** After `known`, in order. */
  completions: JournalCompletion[];
}

export interface ParkReply {
  /** RUNNING: there was something after `known`; the run keeps its slot and goes on. */
  state: "RUNNING" | "PARKED" | "SUSPENDED";
  completions: JournalCompletion[];
  /** Others wait for the place of a held worker. */
  isPressed: boolean;
  /**
   * Of a park with mode `process` that changed nothing: what is wrong with its checkpoint, which is given up. `state` is what the
   * run has, as before. `incomplete`: it is not this execution's, or its chunks are not those that were named.
   */
  refused?: CheckpointRefusal | { limit: "incomplete" } | undefined;
}

/** An execution as its worker names it; the environment is its link's. */
export interface JournalOwner {
  environmentId: number;
  executionId: string;
  fence: string;
}

export type ParkRequest = Omit<Extract<RunnerMessage, { type: "park" }>, "type" | "id" | "executionId" | "fence">;

/** A run that was woken: it waits for a slot now, or its worker is to be told to ask. */
export interface Woken {
  environmentId: number;
  runId: string;
  /** Its live execution; undefined: it is on no worker. */
  executionId: string | undefined;
  announcement: LaneAnnouncement | undefined;
}

/** How much of a value `view` brings along; a character more than the API shows. */
export const VIEWED_VALUE_BYTES = 4100;

/** One entry as people see it. */
export interface JournalView {
  entry: number;
  kind: string;
  key: string;
  label: string;
  attempt: number;
  openedAt: Date;
  startedAt: Date | undefined;
  tries: number;
  dueAt: Date | undefined;
  tokenId: string | undefined;
  childRunId: string | undefined;
  batchId: string | undefined;
  completedAt: Date | undefined;
  ok: boolean | undefined;
  /** Its first VIEWED_VALUE_BYTES. */
  value: Buffer | undefined;
  valueType: string | undefined;
  /** Of the whole value. */
  valueBytes: number | undefined;
  error: unknown;
}

/** The truth about journals and waits. Ids are UUIDs. Each method is one transaction, but for `wake`. */
export interface JournalStore {
  /**
   * Stores entries and answers with the completions after `known`. Resent entries are stored once. Entries that open a wait
   * for what has come already complete at once. Concurrent calls share a commit where they only carry `done` entries.
   * Errors: JOURNAL_LIMIT (nothing of the call is stored).
   */
  append(
    owner: JournalOwner,
    known: number,
    entries: JournalAppend[],
    limits: JournalLimits,
  ): Promise<JournalReply | "fenced">;
  /**
   * Frees the run's slot; see the message `park`. Announce what it returns. `runId`: where the run is another now. With mode
   * `process` the checkpoint counts from this commit on; where the run does not leave by it, it is given up.
   */
  park(
    owner: JournalOwner,
    request: ParkRequest,
    maxHeld: number,
    /** Stored processes of the environment together; see CheckpointStore.begin. */
    maxCheckpointBytes?: number,
  ): Promise<(ParkReply & { announcement: LaneAnnouncement | undefined; runId: string | undefined }) | "fenced">;
  /** Undefined where the run has none. */
  load(environmentId: number, runId: string): Promise<JournalSnapshot | undefined>;
  /** Live or ended; undefined: no such run. In the order of their numbers, from `after` on. */
  view(environmentId: number, runId: string, after: number, limit: number): Promise<JournalView[] | undefined>;

  /**
   * Completes what is due, what ended runs complete, and wakes the runs concerned: those that wait on no worker or are parked
   * are QUEUED ahead of new ones. Each at most `limit`; call again while `isMore`. Several transactions, each of which leaves rows
   * for the next: one that is cut off is taken up again.
   */
  wake(limit: number): Promise<{ woken: Woken[]; isMore: boolean }>;
  /** Milliseconds to the next wait that is due; undefined: none. */
  nextDueInMs(): Promise<number | undefined>;
  /** Which of these executions have completions that their worker does not know, or have their slot again. */
  news(executions: { executionId: string; known: number; isParked: boolean }[]): Promise<string[]>;
  /** Moves journals of ended runs to history; how many runs. */
  archive(limit: number): Promise<number>;
}
