import { z } from "zod";
import { runResultReplySchema } from "./runs.ts";
import { batchIdSchema, durationSchema, instantSchema, runIdSchema, text } from "./scalars.ts";

export const retrievedBatchSchema = z
  .object({
    id: batchIdSchema,
    status: z.enum(["PENDING", "PROCESSING", "COMPLETED", "PARTIAL_FAILED", "ABORTED"]),
    idempotencyKey: z.string().optional(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
    runCount: z.int(),
    runs: z.array(runIdSchema).describe("In the order of the items."),
    processing: z.object({
      completedAt: instantSchema.optional(),
      errors: z.array(
        z.object({ index: z.int(), taskIdentifier: z.string(), error: z.string(), errorCode: z.string().optional() }),
      ),
    }),
  })
  .meta({ id: "Batch" });
export type RetrievedBatch = z.infer<typeof retrievedBatchSchema>;

/** Results of the runs that have ended. */
export const batchResultsReplySchema = z.object({ id: batchIdSchema, items: z.array(runResultReplySchema) });

/** A batch as lists show it. */
export const listedBatchSchema = z
  .object({
    id: batchIdSchema,
    status: z.enum(["PENDING", "PROCESSING", "COMPLETED", "PARTIAL_FAILED", "ABORTED"]),
    idempotencyKey: z.string().optional(),
    parentRunId: runIdSchema.optional(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
    runCount: z.int().describe("Items that it is to have."),
    counts: z.object({
      triggered: z.int().describe("Items that have become runs."),
      live: z.int().describe("Of these, runs that have not ended."),
      failed: z.int().describe("Runs made for it that ended neither COMPLETED nor CANCELED."),
      errors: z.int().describe("Items that could not be triggered."),
    }),
  })
  .meta({ id: "ListedBatch" });
export type ListedBatch = z.infer<typeof listedBatchSchema>;

export const batchListQuerySchema = z.strictObject({
  "page[size]": z.coerce.number().int().min(1).max(100).default(25),
  "page[after]": text(64).optional().describe("The page of older batches after this one."),
  "page[before]": text(64).optional().describe("The page of newer batches before this one."),
  "filter[createdAt][from]": text(64).optional().describe("Milliseconds since the epoch, or an ISO date."),
  "filter[createdAt][to]": text(64).optional(),
  "filter[createdAt][period]": durationSchema.optional(),
});
export const batchListReplySchema = z.object({
  data: z.array(listedBatchSchema),
  pagination: z.object({ next: z.string().optional(), previous: z.string().optional() }),
});
export type BatchListReply = z.infer<typeof batchListReplySchema>;
