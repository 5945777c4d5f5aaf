import { z } from "zod";
import { runResultReplySchema } from "./runs.ts";
import { batchIdSchema, instantSchema, runIdSchema } from "./scalars.ts";

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
