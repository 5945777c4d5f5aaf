import { z } from "zod";
import { RUN_STATUSES } from "../run-status.ts";
import { batchIdSchema, durationSchema, fingerprintSchema, instantSchema, runIdSchema, text } from "./scalars.ts";

export const BULK_ACTION_TYPES = ["CANCEL", "REPLAY"] as const;
export const BULK_ACTION_STATUSES = ["PENDING", "COMPLETED", "ABORTED"] as const;
/** Runs of one bulk action at most; a filter that matches more takes the newest. */
export const BULK_ACTION_RUNS = 10_000;

const oneOrMany = <T extends z.ZodType>(schema: T) => z.union([schema, z.array(schema).min(1).max(100)]);
const at = z.union([z.number(), text(64, 1)]).describe("Milliseconds since the epoch, or an ISO date.");
const queueNameSchema = z.union([
  text(128, 1),
  z.strictObject({ type: z.enum(["task", "custom"]), name: text(128, 1) }),
]);

/** As the query of the list of runs. Runs made after the action are never among them. */
export const bulkActionFilterSchema = z
  .strictObject({
    status: oneOrMany(z.enum(RUN_STATUSES)).optional(),
    taskIdentifier: oneOrMany(text(128, 1)).optional(),
    version: oneOrMany(text(64, 1)).optional(),
    tag: oneOrMany(text(128, 1)).optional(),
    queue: oneOrMany(queueNameSchema).optional(),
    machine: oneOrMany(text(64, 1)).optional(),
    region: oneOrMany(text(64, 1)).optional(),
    batch: batchIdSchema.optional(),
    schedule: text(64, 1).optional(),
    bulkAction: text(64, 1).optional(),
    parentRunId: runIdSchema.optional(),
    rootRunId: runIdSchema.optional(),
    error: fingerprintSchema.optional(),
    search: text(256, 1).optional(),
    isTest: z.boolean().optional(),
    from: at.optional(),
    to: at.optional(),
    period: durationSchema.optional(),
  })
  .refine((filter) => Object.values(filter).some((value) => value !== undefined), "needs one filter at least");
export type BulkActionFilter = z.input<typeof bulkActionFilterSchema>;

/** Either `filter` or `runIds`. */
export const createBulkActionBodySchema = z
  .strictObject({
    action: z.enum(["cancel", "replay"]),
    name: text(255).optional().describe("For people."),
    filter: bulkActionFilterSchema.optional(),
    runIds: z.array(runIdSchema).min(1).max(BULK_ACTION_RUNS).optional(),
    targetRegion: text(64, 1).optional(),
  })
  .refine(
    ({ filter, runIds }) => (filter === undefined) !== (runIds === undefined),
    "needs exactly one of `filter` and `runIds`",
  );
export type CreateBulkActionBody = z.input<typeof createBulkActionBodySchema>;
export const bulkActionIdReplySchema = z.object({ id: z.string().describe("bulk_…") });

export const bulkActionSchema = z
  .object({
    id: z.string().describe("bulk_…"),
    name: z.string().optional(),
    type: z.enum(BULK_ACTION_TYPES),
    status: z.enum(BULK_ACTION_STATUSES),
    counts: z.object({
      total: z.int().describe("Runs that were chosen so far; all of them once `isSelected`."),
      success: z.int(),
      failure: z.int(),
    }),
    isSelected: z.boolean().describe("All runs have been chosen."),
    isCapped: z.boolean().describe(`More than ${BULK_ACTION_RUNS} runs matched; the newest were taken.`),
    filter: z.record(z.string(), z.unknown()).optional().describe("As it was sent; left out for a list of runs."),
    failures: z
      .array(z.object({ runId: runIdSchema, code: z.string(), message: z.string() }))
      .describe("The first ten runs that it could not be done to, and why."),
    createdAt: instantSchema,
    completedAt: instantSchema.optional(),
  })
  .meta({ id: "BulkAction" });
export type BulkAction = z.infer<typeof bulkActionSchema>;

export const bulkActionListQuerySchema = z.strictObject({
  "page[size]": z.coerce.number().int().min(1).max(100).default(25),
  "page[after]": text(64).optional().describe("The page of older actions after this one."),
  "page[before]": text(64).optional().describe("The page of newer actions before this one."),
});
export const bulkActionListReplySchema = z.object({
  data: z.array(bulkActionSchema),
  pagination: z.object({ next: z.string().optional(), previous: z.string().optional() }),
});
export type BulkActionListReply = z.infer<typeof bulkActionListReplySchema>;
