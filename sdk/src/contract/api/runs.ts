import { z } from "zod";
import { RUN_STATUSES } from "../run-status.ts";
import { metadataOperationSchema } from "../worker-protocol.ts";
import { runCheckpointSchema } from "./checkpoints.ts";
import {
  batchIdSchema,
  concurrencyKeySchema,
  delaySchema,
  durationSchema,
  fingerprintSchema,
  idempotencyKeySchema,
  instantSchema,
  machineSchema,
  maxAttemptsSchema,
  maxDurationSchema,
  prioritySchema,
  runIdSchema,
  tagsSchema,
  taskIdSchema,
  text,
  ttlSchema,
} from "./scalars.ts";
import { runScheduleSchema } from "./schedules.ts";

export const runStatusSchema = z.enum(RUN_STATUSES).meta({ id: "RunStatus" });

export const errorCauseSchema = z.object({
  name: z.string().optional(),
  message: z.string(),
  stackTrace: z.string().optional(),
});
export const runErrorSchema = errorCauseSchema
  .extend({
    code: z.string().optional(),
    causes: z.array(errorCauseSchema).optional(),
  })
  .meta({ id: "RunError" });
export type RunError = z.infer<typeof runErrorSchema>;

/** What lists and single runs share. The booleans are derived from `status`. */
export const runFieldsSchema = z
  .object({
    id: runIdSchema,
    status: runStatusSchema,
    taskIdentifier: taskIdSchema,
    idempotencyKey: z.string().optional(),
    version: z.string().optional(),
    isQueued: z.boolean(),
    isExecuting: z.boolean(),
    isWaiting: z.boolean(),
    isCompleted: z.boolean().describe("It has ended, well or not."),
    isSuccess: z.boolean(),
    isFailed: z.boolean(),
    isCancelled: z.boolean(),
    isTest: z.boolean(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
    startedAt: instantSchema.optional(),
    finishedAt: instantSchema.optional(),
    delayedUntil: instantSchema.optional(),
    ttl: z.string().optional(),
    expiredAt: instantSchema.optional(),
    tags: z.array(z.string()),
    costInCents: z.number().describe("Always 0: the cluster is yours."),
    baseCostInCents: z.number(),
    durationMs: z.number().describe("Compute time of all attempts."),
    metadata: z.record(z.string(), z.unknown()).optional(),
    depth: z.int(),
    batchId: batchIdSchema.optional(),
    triggerFunction: z.enum(["triggerAndWait", "trigger", "batchTriggerAndWait", "batchTrigger"]),
    queue: z.string().optional(),
    concurrencyKey: z.string().optional(),
    machine: z.string().optional(),
    priority: z.number().optional(),
    attemptCount: z.int(),
    maxAttempts: z.int().optional(),
    revision: z.int().optional().describe("Grows with every change of the run."),
  })
  .meta({ id: "RunFields" });
export type RunFields = z.infer<typeof runFieldsSchema>;

export const environmentDetailsSchema = z.object({ id: z.string(), name: z.string(), user: z.string().optional() });

export const listedRunSchema = runFieldsSchema.extend({ env: environmentDetailsSchema }).meta({ id: "ListedRun" });
export type ListedRun = z.infer<typeof listedRunSchema>;

export const runListReplySchema = z.object({
  data: z.array(listedRunSchema),
  pagination: z.object({ next: z.string().optional(), previous: z.string().optional() }),
});
export type RunListReply = z.infer<typeof runListReplySchema>;

export const attemptSchema = z.object({
  number: z.int(),
  startedAt: z.string(),
  finishedAt: z.string(),
  outcome: z.string(),
  error: runErrorSchema.optional(),
  retryDelayMs: z.number().optional(),
});

export const runReplySchema = runFieldsSchema
  .extend({
    payload: z
      .unknown()
      .optional()
      .describe("As plain JSON; payloadMeta holds what superjson needs to restore dates, maps and cycles."),
    payloadType: z.string().optional(),
    payloadMeta: z.unknown().optional(),
    payloadPresignedUrl: z
      .string()
      .optional()
      .describe("Instead of `payload` where that is large: a URL that needs no key, for 15 minutes."),
    output: z.unknown().optional(),
    outputType: z.string().optional(),
    outputMeta: z.unknown().optional(),
    outputPresignedUrl: z.string().optional(),
    error: runErrorSchema.optional(),
    attempts: z.array(attemptSchema).optional(),
    checkpoint: runCheckpointSchema
      .optional()
      .describe(
        "While it is WAITING, once its slot is free; of a stored process also while a worker comes that is to bring it back.",
      ),
    cancelRequestedAt: instantSchema.optional(),
    maxDurationInSeconds: z.number().optional(),
    replayedFromRunId: runIdSchema.optional(),
    schedule: runScheduleSchema.optional(),
    parentRunId: runIdSchema.optional(),
    rootRunId: runIdSchema.optional(),
    relatedRuns: z.object({
      root: runFieldsSchema.optional(),
      parent: runFieldsSchema.optional(),
      children: z.array(runFieldsSchema).optional(),
    }),
  })
  .meta({ id: "Run" });
export type RunReply = z.infer<typeof runReplySchema>;

const commaList = (what: string) => text(4096).optional().describe(`${what}; several are separated by commas.`);
/** What lists and counts of runs choose by, as it stands in the URL. */
export const runFilterQuerySchema = z.strictObject({
  "filter[status]": commaList("Statuses"),
  "filter[taskIdentifier]": commaList("Task ids"),
  "filter[version]": commaList("Versions"),
  "filter[tag]": commaList("Tags: runs that have any of them"),
  "filter[queue]": commaList("Queue names (`task/<id>` for a task's own)"),
  "filter[machine]": commaList("Machine presets"),
  "filter[batch]": batchIdSchema.optional(),
  "filter[parentRunId]": runIdSchema.optional(),
  "filter[rootRunId]": runIdSchema.optional(),
  "filter[schedule]": text(64).optional().describe("sched_…: runs that it started."),
  "filter[bulkAction]": text(64).optional().describe("bulk_…: runs that it canceled, or made."),
  "filter[error]": fingerprintSchema.optional(),
  "filter[search]": text(256)
    .optional()
    .describe("A run's or batch's id or its beginning; else a tag, an idempotency key, or how a task's id begins."),
  "filter[isTest]": z.enum(["true", "false"]).optional(),
  "filter[createdAt][from]": text(64).optional().describe("Milliseconds since the epoch, or an ISO date."),
  "filter[createdAt][to]": text(64).optional(),
  "filter[createdAt][period]": durationSchema.optional(),
});
/** Query of `GET /api/v1/runs`. */
export const runListQuerySchema = runFilterQuerySchema.extend({
  "page[size]": z.coerce.number().int().min(1).max(100).default(25),
  "page[after]": text(64).optional().describe("The page of older runs after this one."),
  "page[before]": text(64).optional().describe("The page of newer runs before this one."),
});

/** How many runs match, by status. A count stops at 10,000: it is a lower bound then. */
export const runCountsReplySchema = z
  .object({
    total: z.int(),
    isCapped: z.boolean().describe("There may be more than `total`."),
    statuses: z.array(z.object({ status: runStatusSchema, count: z.int(), isCapped: z.boolean() })),
  })
  .meta({ id: "RunCounts" });
export type RunCounts = z.infer<typeof runCountsReplySchema>;

export const replayBodySchema = z.strictObject({
  payload: z.unknown().optional(),
  payloadType: z.enum(["application/json", "application/super+json", "text/plain"]).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  tags: tagsSchema.optional(),
  queue: text(128, 1).optional(),
  concurrencyKey: concurrencyKeySchema.optional(),
  machine: machineSchema.optional(),
  version: text(64, 1).optional(),
  delay: delaySchema.optional(),
  ttl: ttlSchema.optional(),
  idempotencyKey: idempotencyKeySchema.optional(),
  idempotencyKeyTTL: durationSchema.optional(),
  maxAttempts: maxAttemptsSchema.optional(),
  maxDuration: maxDurationSchema.optional(),
  priority: prioritySchema.optional(),
});
export const runIdReplySchema = z.object({ id: runIdSchema });

export const rescheduleBodySchema = z.strictObject({ delay: delaySchema });
export const addTagsBodySchema = z.strictObject({ tags: tagsSchema });
export const addTagsReplySchema = z.object({ message: z.string(), tags: z.array(z.string()) });

/** Replaces the metadata, or applies operations to it, to the parent's and to the root's. */
export const metadataBodySchema = z.strictObject({
  metadata: z.record(z.string(), z.unknown()).optional(),
  operations: z.array(metadataOperationSchema).max(10_000).optional(),
  parentOperations: z.array(metadataOperationSchema).max(10_000).optional(),
  rootOperations: z.array(metadataOperationSchema).max(10_000).optional(),
});
export const metadataReplySchema = z.object({ metadata: z.record(z.string(), z.unknown()) });

/** 404 until the run has ended. `output` is text in the encoding that `outputType` names. */
export const runResultReplySchema = z
  .discriminatedUnion("ok", [
    z.object({
      ok: z.literal(true),
      id: runIdSchema,
      taskIdentifier: taskIdSchema,
      output: z.string().optional(),
      outputType: z.string(),
      usage: z.object({ durationMs: z.number() }),
    }),
    z.object({
      ok: z.literal(false),
      id: runIdSchema,
      taskIdentifier: taskIdSchema,
      error: z.discriminatedUnion("type", [
        z.object({
          type: z.literal("BUILT_IN_ERROR"),
          name: z.string(),
          message: z.string(),
          stackTrace: z.string(),
          causes: z.array(errorCauseSchema).optional(),
        }),
        z.object({
          type: z.literal("INTERNAL_ERROR"),
          code: z.string(),
          message: z.string(),
          stackTrace: z.string().optional(),
        }),
      ]),
      usage: z.object({ durationMs: z.number() }),
    }),
  ])
  .meta({ id: "RunResult" });
export type RunResultReply = z.infer<typeof runResultReplySchema>;

export const eventsQuerySchema = z.strictObject({
  after: z
    .string()
    .regex(/^\d{1,18}$/, "is no cursor")
    .optional()
    .describe("The `cursor` of the last event that you have."),
  limit: z.coerce.number().int().min(1).max(5000).default(1000),
});
export const storedEventSchema = z.object({
  at: instantSchema,
  attempt: z.int(),
  kind: z.enum(["log", "stdout", "stderr", "event"]),
  level: z.string(),
  message: z.string(),
  data: z.unknown().optional(),
  cursor: z.string(),
});
export const eventsReplySchema = z.object({ events: z.array(storedEventSchema), next: z.string().optional() });
export type EventsReply = z.infer<typeof eventsReplySchema>;

const spanDataSchema = z.object({
  message: z.string(),
  taskSlug: z.string().optional(),
  events: z.array(z.unknown()).optional(),
  startTime: instantSchema,
  duration: z.number().describe("Nanoseconds."),
  isError: z.boolean(),
  isPartial: z.boolean(),
  isCancelled: z.boolean(),
  level: z.string(),
  workerVersion: z.string().optional(),
  queueName: z.string().optional(),
  machinePreset: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});
export interface TraceSpan {
  id: string;
  parentId?: string;
  runId: string;
  data: z.infer<typeof spanDataSchema>;
  children: TraceSpan[];
}
const spanSchema: z.ZodType<TraceSpan> = z
  .lazy(() =>
    z.object({
      id: z.string(),
      parentId: z.string().optional(),
      runId: runIdSchema,
      data: spanDataSchema,
      children: z.array(spanSchema),
    }),
  )
  .meta({ id: "TraceSpan" }) as never;
export const traceReplySchema = z.object({ trace: z.object({ traceId: z.string(), rootSpan: spanSchema }) });

export const explainReplySchema = z.object({
  runId: runIdSchema,
  status: runStatusSchema,
  reasons: z.array(
    z.object({ reason: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()).optional() }),
  ),
  position: z.int().optional().describe("Runs ahead of it in its lane, where it is queued."),
});
export type ExplainReply = z.infer<typeof explainReplySchema>;

export const cancelBodySchema = z.strictObject({ reason: text(1000).optional() });
export const forceFailBodySchema = z.strictObject({ reason: text(1000, 1).default("Ended by an operator.") });

export const resetIdempotencyKeyBodySchema = z.strictObject({ taskIdentifier: taskIdSchema.optional() });
export const resetIdempotencyKeyReplySchema = z.object({ id: z.string().describe("The key.") });
