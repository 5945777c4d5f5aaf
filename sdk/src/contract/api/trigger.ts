import { z } from "zod";
import {
  batchIdSchema,
  concurrencyKeySchema,
  delaySchema,
  durationSchema,
  idempotencyKeyOptionsSchema,
  idempotencyKeySchema,
  machineSchema,
  maxAttemptsSchema,
  maxDurationSchema,
  payloadTypeSchema,
  prioritySchema,
  queueOptionSchema,
  runIdSchema,
  tagsSchema,
  taskIdSchema,
  text,
  ttlSchema,
} from "./scalars.ts";

/**
 * Options that Trigger.dev's clients may send and Gantry does not have yet, each with what to do instead. Sending one is
 * 422 UNSUPPORTED_OPTION: an option is never ignored.
 */
export const UNSUPPORTED_OPTIONS: Readonly<Record<string, string>> = {
  debounce: "Use an idempotencyKey with a short idempotencyKeyTTL.",
  region: "Gantry runs in one cluster; leave the region out.",
  externalDeploymentId: "Pin the run with `version`, or unset TRIGGER_EXTERNAL_DEPLOYMENT_ID.",
  gates: "Use a queue with a concurrencyLimit.",
  concurrency: "Use a queue with a concurrencyLimit and a concurrencyKey.",
  resumeParentOnCompletion:
    "Only a task waits for a run, with triggerAndWait of @gantry/sdk; elsewhere poll it with runs.poll().",
  parentAttempt: "Send parentRunId.",
  dependentAttempt: "Send parentRunId.",
  dependentBatch: "Create a batch instead.",
  parentBatch: "Create a batch instead.",
  bulkActionId: "Leave it out.",
};

export const triggerOptionsSchema = z
  .strictObject({
    queue: queueOptionSchema.optional(),
    concurrencyKey: concurrencyKeySchema.optional(),
    delay: delaySchema.optional(),
    ttl: ttlSchema.optional(),
    idempotencyKey: idempotencyKeySchema.optional(),
    idempotencyKeyTTL: durationSchema.optional(),
    idempotencyKeyOptions: idempotencyKeyOptionsSchema.optional(),
    tags: tagsSchema.optional(),
    metadata: z.unknown().optional().describe("A JSON object, or its text where metadataType is given."),
    metadataType: z.enum(["application/json", "application/super+json"]).optional(),
    maxAttempts: maxAttemptsSchema.optional(),
    maxDuration: maxDurationSchema.optional(),
    machine: machineSchema.optional(),
    priority: prioritySchema.optional(),
    lockToVersion: text(64, 1).optional().describe("The version to run, `YYYYMMDD.N`."),
    version: text(64, 1).optional().describe("The same as lockToVersion."),
    test: z.boolean().optional(),
    payloadType: payloadTypeSchema
      .optional()
      .describe("How `payload` is encoded; without it, payload is a JSON value."),
    payloadSize: z.int().min(0).optional().describe("Bytes before an upload; informative."),
    parentRunId: runIdSchema.optional(),
    resumeParentOnCompletion: z.literal(false).optional(),
    externalDeploymentId: z.null().optional(),
  })
  .meta({ id: "TriggerOptions" });
export type TriggerOptions = z.infer<typeof triggerOptionsSchema>;

export const triggerBodySchema = z.strictObject({
  payload: z.unknown().optional(),
  context: z.unknown().optional().describe("Accepted for older clients, not used."),
  options: triggerOptionsSchema.optional(),
});
export type TriggerBody = z.infer<typeof triggerBodySchema>;

/** `x-trigger-jwt` beside it is a public token that may read the run for an hour. */
export const triggerReplySchema = z.object({ id: runIdSchema, isCached: z.boolean() });
export type TriggerReply = z.infer<typeof triggerReplySchema>;

export const taskBatchBodySchema = z.strictObject({
  items: z.array(triggerBodySchema).min(1),
  dependentAttempt: z.never().optional(),
});
export const taskBatchReplySchema = z.object({ batchId: batchIdSchema, runs: z.array(runIdSchema) });

export const batchItemBodySchema = triggerBodySchema.extend({ task: taskIdSchema });
export const batchBodySchema = z.strictObject({
  items: z.array(batchItemBodySchema).min(1),
  parentRunId: runIdSchema.optional(),
  resumeParentOnCompletion: z.literal(false).optional(),
});
export const batchReplySchema = z.object({ id: batchIdSchema, runCount: z.int() });

export const createBatchBodySchema = z.strictObject({
  runCount: z.int().min(1),
  taskIdentifiers: z
    .array(taskIdSchema)
    .max(10_000)
    .optional()
    .describe("Checked at once, so that a typing error is a 404 here."),
  parentRunId: runIdSchema.optional(),
  resumeParentOnCompletion: z.literal(false).optional(),
  idempotencyKey: idempotencyKeySchema.optional(),
  idempotencyKeyOptions: idempotencyKeyOptionsSchema.optional(),
});
export const createBatchReplySchema = z.object({
  id: batchIdSchema,
  runCount: z.int(),
  isCached: z.boolean(),
  idempotencyKey: z.string().optional(),
});
export type CreateBatchReply = z.infer<typeof createBatchReplySchema>;

/** One line of the NDJSON body of `POST /api/v3/batches/{id}/items`. */
export const batchLineSchema = batchItemBodySchema.extend({ index: z.int().min(0) });
export type BatchLine = z.infer<typeof batchLineSchema>;

export const batchItemsReplySchema = z.object({
  id: batchIdSchema,
  itemsAccepted: z.int(),
  itemsDeduplicated: z.int(),
  sealed: z.boolean().describe("True once all items have come; false asks the client to send all items again."),
  enqueuedCount: z.int().optional(),
  expectedCount: z.int().optional(),
});
export type BatchItemsReply = z.infer<typeof batchItemsReplySchema>;
