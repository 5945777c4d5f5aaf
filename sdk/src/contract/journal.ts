/**
 * The journal of a run as it travels between task process, runner and platform. Values are opaque text with a content
 * type and are never parsed on the way.
 */
import { z } from "zod";
import type { WireError } from "./wire-error.ts";

/** `clock` holds readings of the clock, `hook` a lifecycle hook that ran once; all others are calls of the SDK. */
export const JOURNAL_KINDS = ["step", "time", "token", "child", "batch", "trigger", "clock", "hook"] as const;
export type JournalKind = (typeof JOURNAL_KINDS)[number];

const wireError = z.custom<WireError>((value) => typeof value === "object" && value !== null && "message" in value);

const call = {
  /** Number of the call within its run, from 0, in the order of the calls; one that is repeated keeps its number. */
  entry: z.int().min(0),
  /** What the call is known by: a step's name (and ordinal, or its own key); else its fingerprint and ordinal. */
  key: z.string().max(1024),
  /** For people: the step's name, the child's task, the wait. */
  label: z.string().max(256),
  /** Of the call's input. The same key with another fingerprint is JOURNAL_MISMATCH. */
  fingerprint: z.string().max(128).optional(),
  /** `seq` of the last completion that had been delivered when the call was made; 0: none. */
  after: z.int().min(0),
  attempt: z.int().min(0),
};

/** A call that has ended in the task process. */
const doneSchema = z.object({
  type: z.literal("done"),
  kind: z.enum(["step", "trigger", "clock", "hook"]),
  ...call,
  ok: z.boolean(),
  value: z.string().optional(),
  valueType: z.string().max(64).optional(),
  error: wireError.optional(),
  /** Milliseconds since the epoch. */
  startedAt: z.number(),
  tries: z.int().min(1).default(1),
});

/** A wait: it is completed by the platform. */
const openSchema = z.discriminatedUnion("kind", [
  z.object({
    type: z.literal("open"),
    kind: z.literal("time"),
    ...call,
    /** Milliseconds from the moment it is stored, or milliseconds since the epoch. */
    due: z.union([z.object({ inMs: z.number().min(0) }), z.object({ at: z.number() })]),
    /** SHA-256 in hex: runs that wait with the same key wait once. */
    idempotencyKey: z.string().max(128).optional(),
    idempotencyKeyTtlMs: z.number().positive().optional(),
  }),
  z.object({
    type: z.literal("open"),
    kind: z.literal("token"),
    ...call,
    tokenId: z.string(),
    /** Milliseconds from the moment it is stored. */
    timeoutMs: z.number().min(0).optional(),
  }),
  z.object({ type: z.literal("open"), kind: z.literal("child"), ...call, childRunId: z.string() }),
  z.object({ type: z.literal("open"), kind: z.literal("batch"), ...call, batchId: z.string() }),
]);

export const journalAppendSchema = z.union([doneSchema, openSchema]);
export type JournalAppend = z.infer<typeof journalAppendSchema>;
export type JournalDone = z.infer<typeof doneSchema>;
export type JournalOpen = z.infer<typeof openSchema>;

/** An entry that is complete. Within a run `seq` grows with every completion, not always by one. */
export interface JournalCompletion {
  entry: number;
  seq: number;
  ok: boolean;
  /**
   * Of a `batch`: JSON text of `{ id, taskIdentifier, ok, output?, outputType?, error? }[]` in the order of its items. Of a
   * `child` and a `token`: the output, as it was sent.
   */
  value?: string;
  valueType?: string;
  error?: WireError;
  /** Milliseconds since the epoch, by the database's clock. */
  at: number;
}

/** An entry as a new process of the run gets it. */
export interface JournalRecord {
  entry: number;
  kind: JournalKind;
  key: string;
  label: string;
  fingerprint?: string;
  after: number;
  /** In which it was made, or made anew. */
  attempt: number;
  dueAt?: number;
  tokenId?: string;
  childRunId?: string;
  batchId?: string;
  completion?: JournalCompletion;
}

export interface JournalSnapshot {
  /** The last completion's. */
  seq: number;
  /** In the order of their numbers. */
  entries: JournalRecord[];
}

/** What the run waits for, as its worker knows it. */
export interface OpenWait {
  entry: number;
  kind: "time" | "token" | "child" | "batch";
  label: string;
  /** Milliseconds since the epoch, where it is known. */
  dueAt?: number;
}
