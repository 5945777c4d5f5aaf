/**
 * The worker protocol, version 1: how a runner and the platform talk. Private to the two; documented in
 * docs/worker-protocol.md.
 *
 * One WebSocket per runner, `GET /worker/v1/channel` with `Authorization: Bearer <worker token>`. A frame is a JSON
 * array of messages. A message with an `id` is a request: it is answered by `{ type: "reply", id, … }`, is resent after
 * a reconnect until it is answered, and its effect is idempotent, so a resend is harmless. Requests of one execution are
 * sent, resent and carried out in order; several may be on their way. Payloads travel as strings with a content type and
 * are never parsed on the way.
 */
import { z } from "zod";
import type { Checkpoint } from "./checkpoint.ts";
import { CHECKPOINT_REASONS, type CheckpointReason } from "./checkpoint-policy.ts";
import { type JournalCompletion, type JournalSnapshot, journalAppendSchema } from "./journal.ts";
import type { MachinePreset } from "./machine-presets.ts";
import { nodeFeaturesSchema, type RestoreGrant, storedCheckpointSchema } from "./process-checkpoint.ts";
import type { WireError } from "./wire-error.ts";

const wireErrorSchema: z.ZodType<WireError> = z.lazy(() =>
  z.object({
    name: z.string(),
    message: z.string(),
    stack: z.string().optional(),
    code: z.string().optional(),
    cause: wireErrorSchema.optional(),
  }),
) as never;

const executionRef = { executionId: z.string(), fence: z.string() };

/** What the task's process used, measured by the runner. */
export const usageSchema = z.object({
  /** Time the user's function was running, waits excluded; milliseconds. */
  computeMs: z.number().min(0),
  cpuMs: z.number().min(0).optional(),
  maxRssBytes: z.number().min(0).optional(),
});

/** How an attempt ended, as the runner saw it. What follows from it is the platform's decision. */
export const attemptOutcomeSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("completed"), output: z.string().optional(), outputType: z.string() }),
  z.object({
    kind: z.literal("failed"),
    error: wireErrorSchema,
    /** `policy`: the declared retry policy decides. `defer`: try again then, no attempt spent. `after`: attempt spent, this delay. `never`: final. */
    retry: z.discriminatedUnion("by", [
      z.object({ by: z.literal("policy"), options: z.record(z.string(), z.unknown()).optional() }),
      z.object({ by: z.literal("after"), delayMs: z.number().min(0) }),
      z.object({ by: z.literal("defer"), delayMs: z.number().min(0) }),
      z.object({ by: z.literal("never"), reason: z.string() }),
    ]),
    /** Journal entries whose error this is: the next attempt makes them anew. */
    reopen: z.array(z.int().min(0)).max(100).optional(),
  }),
  z.object({
    kind: z.literal("crashed"),
    reason: z.enum(["EXIT", "SIGNAL", "OUT_OF_MEMORY", "BOOT_FAILED", "UNRESPONSIVE"]),
    error: wireErrorSchema,
    exitCode: z.number().int().optional(),
    signal: z.string().optional(),
  }),
  z.object({ kind: z.literal("timedOut"), error: wireErrorSchema }),
  z.object({ kind: z.literal("canceled") }),
  /** The stored process could not be brought back, and nothing of it ran: elsewhere perhaps. `node` is where that was. */
  z.object({ kind: z.literal("notRestored"), reason: z.string().max(1000), node: z.string().max(253).optional() }),
  /** The runner gives the run back untouched or unfinished (drain, shutdown); the platform starts it elsewhere. */
  z.object({ kind: z.literal("returned"), reason: z.string() }),
]);
export type AttemptOutcome = z.infer<typeof attemptOutcomeSchema>;

export const runEventSchema = z.object({
  /** Milliseconds since the epoch, by the task process's clock. */
  at: z.number(),
  kind: z.enum(["log", "stdout", "stderr", "event"]),
  level: z.enum(["trace", "debug", "log", "info", "warn", "error"]).default("info"),
  message: z.string(),
  /** JSON text, at most the line limit. */
  data: z.string().optional(),
});
export type RunEvent = z.infer<typeof runEventSchema>;

/** Trigger.dev's metadata operations; applied in order. `key` may be a JSON path (`$.a.b`). */
export const metadataOperationSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("set"), key: z.string(), value: z.unknown() }),
  z.object({ type: z.literal("delete"), key: z.string() }),
  z.object({ type: z.literal("append"), key: z.string(), value: z.unknown() }),
  z.object({ type: z.literal("remove"), key: z.string(), value: z.unknown() }),
  z.object({ type: z.literal("increment"), key: z.string(), value: z.number() }),
  z.object({ type: z.literal("update"), value: z.record(z.string(), z.unknown()) }),
]);
export type MetadataOperation = z.infer<typeof metadataOperationSchema>;

export const runnerMessageSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("hello"),
    id: z.string(),
    protocol: z.number(),
    workerId: z.string(),
    pid: z.number(),
    host: z.string(),
    executions: z.array(z.object(executionRef)),
  }),
  /**
   * How many more executions the runner would take now. Sent after hello and whenever it changes. `granted` counts the
   * grants it got on this connection, so that the platform can subtract those still on their way.
   */
  z.object({ type: z.literal("capacity"), free: z.number().int().min(0), granted: z.number().int().min(0).optional() }),
  /** Whether processes can be stored on this node, as the runner has tried; `reason` where not. Not durable. */
  z.object({
    type: z.literal("node"),
    features: nodeFeaturesSchema,
    works: z.boolean(),
    reason: z.string().max(1000).optional(),
  }),
  /** The runner has the grant and the task process got it. Not durable: only the first-line time is taken from it. */
  z.object({ type: z.literal("started"), ...executionRef, at: z.number() }),
  z.object({
    type: z.literal("heartbeat"),
    id: z.string(),
    executions: z.array(
      z.object({
        ...executionRef,
        computeMs: z.number(),
        /** The last completion of its journal that it knows; absent where it has no journal. */
        known: z.int().min(0).optional(),
        isParked: z.boolean().optional(),
      }),
    ),
  }),
  /** Stores entries, and asks for completions after `known`; without entries it only asks. Durable before the reply. */
  z.object({
    type: z.literal("journal"),
    id: z.string(),
    ...executionRef,
    known: z.int().min(0),
    entries: z.array(journalAppendSchema).max(1000),
  }),
  /**
   * The run only waits: its slot is freed, unless there are completions after `known`. `hold`: the process stays and the
   * execution is PARKED. `replay`: the execution ends, and the run will be granted anew. `process`: the same, from the stored
   * `checkpoint`, which counts from this commit on. Sent for a PARKED one too.
   */
  z.object({
    type: z.literal("park"),
    id: z.string(),
    ...executionRef,
    attempt: z.int(),
    known: z.int().min(0),
    mode: z.enum(["hold", "replay", "process"]),
    /** With mode `process`. */
    checkpoint: storedCheckpointSchema.optional(),
    reason: z.enum(Object.keys(CHECKPOINT_REASONS) as [CheckpointReason, ...CheckpointReason[]]),
    computeMs: z.number().min(0),
    /** Whether a process that is lost while it is held may be replaced by a replay; else what to do, and what forbids it. */
    ifLost: z.object({ then: z.enum(["replay", "restart", "fail"]), because: z.string().max(500).optional() }),
  }),
  /**
   * The process of a run that waits is about to be stored: asks for a checkpoint to put its chunks into
   * (WORKER_CHECKPOINT_CHUNK_PATH). What is never named by a `park` is swept.
   */
  z.object({ type: z.literal("checkpoint"), id: z.string(), ...executionRef }),
  /** The process is there again, and stopped: may it go on? From a `granted` on the checkpoint is spent. */
  z.object({
    type: z.literal("restored"),
    id: z.string(),
    ...executionRef,
    checkpointId: z.string(),
    /** Milliseconds. */
    fetchMs: z.number().min(0),
    restoreMs: z.number().min(0),
  }),
  z.object({
    type: z.literal("complete"),
    id: z.string(),
    ...executionRef,
    attempt: z.number().int(),
    outcome: attemptOutcomeSchema,
    usage: usageSchema,
  }),
  z.object({
    type: z.literal("events"),
    id: z.string(),
    ...executionRef,
    /** Number of this batch within the execution, from 0: a resent batch is stored once. */
    batch: z.number().int().min(0),
    attempt: z.number().int(),
    events: z.array(runEventSchema).max(1000),
  }),
  z.object({
    type: z.literal("metadata"),
    id: z.string(),
    ...executionRef,
    batch: z.number().int().min(0),
    operations: z.array(metadataOperationSchema),
    parentOperations: z.array(metadataOperationSchema).optional(),
    rootOperations: z.array(metadataOperationSchema).optional(),
  }),
]);
export type RunnerMessage = z.infer<typeof runnerMessageSchema>;
export type RunnerRequest = Extract<RunnerMessage, { id: string }>;

/** Everything a task process needs to run one attempt. */
export interface Grant {
  executionId: string;
  fence: string;
  attempt: number;
  /** A JWT for this execution: the SDK inside the task calls the API with it. */
  runToken: string;
  /** Compute time left, from maxDuration; absent means no limit. */
  remainingComputeMs?: number;
  run: {
    id: string;
    taskId: string;
    payload: string;
    payloadType: string;
    /** JSON text of the metadata object as it is now. */
    metadata?: string;
    tags: string[];
    isTest: boolean;
    createdAt: number;
    startedAt: number;
    idempotencyKey?: string;
    maxAttempts: number;
    maxDurationMs?: number;
    priority: number;
    concurrencyKey?: string;
    parentRunId?: string;
    rootRunId?: string;
    depth: number;
    batchId?: string;
    version: string;
    /** Set when this execution only runs the task's `onFailure` for a run that ended without its process. */
    failureHook?: { status: string; error: WireError };
  };
  /** Of earlier executions of the run; absent where there is none. */
  journal?: JournalSnapshot;
  /** Its process was stored: it goes on there. Then there is no `journal`: what came after `restore.known` is asked for. */
  restore?: RestoreGrant;
  /** The task's, over the project's, over the default; absent: the default. */
  checkpoint?: Checkpoint;
  queue: { id: string; name: string };
  machine: MachinePreset;
  environment: { id: string; slug: string; type: "DEVELOPMENT" | "STAGING" | "PREVIEW" | "PRODUCTION" };
  project: { id: string; ref: string; name: string };
  deployment: { id: string; version: string };
}

export type CompletionVerdict =
  /** The attempt's result is stored; the run is final or back in a queue. The runner is done with it. */
  | { kind: "done"; status: string }
  /** Wait `delayMs`, then run `grant` (same execution, next attempt, or the same after a deferral). */
  | { kind: "retryInPlace"; delayMs: number; grant: Grant }
  /** Someone else owns the run, or it has ended. End the process, write nothing. */
  | { kind: "fenced" };

export type PlatformMessage =
  | {
      type: "reply";
      id: string;
      /** hello */
      welcome?: { heartbeatMs: number; leaseTtlMs: number; maxOfflineMs: number; fenced: string[] };
      /** heartbeat: executions that are no longer this worker's, those to be canceled, and those with news: see `wake`. */
      beat?: { fenced: string[]; cancel: string[]; wake?: string[] };
      /** journal: completions after `known`, in order. While the run is PARKED they are not to be delivered. */
      journal?: { state: "RUNNING" | "PARKED"; completions: JournalCompletion[] };
      /**
       * park: RUNNING means that there was something new, and the run goes on. `isPressed`: others wait for a place. Errors:
       * EXECUTION_FENCED; with mode `process`, which then has changed nothing, LIMIT_EXCEEDED and CHECKPOINT_INCOMPLETE.
       */
      park?: {
        state: "RUNNING" | "PARKED" | "SUSPENDED";
        completions: JournalCompletion[];
        isPressed: boolean;
      };
      /** checkpoint: `key` is of AES-256-GCM, base64. Errors: EXECUTION_FENCED, CHECKPOINT_UNAVAILABLE, LIMIT_EXCEEDED. */
      checkpoint?: { checkpointId: string; key: string; maxStoredBytes: number };
      /** restored. Errors: EXECUTION_FENCED, CHECKPOINT_SPENT. */
      restored?: { granted: true };
      verdict?: CompletionVerdict;
      error?: { code: string; message: string; retryable: boolean };
    }
  | { type: "grant"; grants: Grant[] }
  | { type: "cancel"; executionId: string; reason?: string }
  /** There may be completions it does not know, or a PARKED execution has its slot again: ask with an empty `journal`. */
  | { type: "wake"; executionId: string }
  /** Take nothing new, finish what runs, then exit. */
  | { type: "drain" }
  /** Give everything back and exit now. */
  | { type: "shutdown" };
