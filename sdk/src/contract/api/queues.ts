import { z } from "zod";
import { instantSchema, text } from "./scalars.ts";

/** What `{queue}` in a path is: an id (`queue_…`), a task's id (its own queue), or the name of a declared queue. */
export const queueRefTypeSchema = z.enum(["id", "task", "custom"]).default("id");

export const queueSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.enum(["task", "custom"]),
    version: z.literal("V1").describe("The shape's version, for Trigger.dev's clients."),
    running: z.int(),
    queued: z.int(),
    paused: z.boolean(),
    concurrencyLimit: z.int().nullable().describe("In force now; null is the environment's limit."),
    concurrency: z.object({
      current: z.int().nullable(),
      base: z.int().nullable(),
      override: z.int().nullable(),
      overriddenAt: instantSchema.nullable(),
      overriddenBy: z.string().nullable(),
    }),
    combinedConcurrencyLimit: z.int().nullable(),
    rateLimit: z.object({ limit: z.int(), periodMs: z.int(), key: z.enum(["queue", "concurrencyKey"]) }).nullable(),
    oldestQueuedAt: instantSchema.nullable(),
    pausedAt: instantSchema.nullable(),
    startsInPeriod: z
      .int()
      .nullable()
      .describe("Starts that count against `rateLimit` now: of the whole queue, or of its busiest concurrency key."),
  })
  .meta({ id: "Queue" });
export type Queue = z.infer<typeof queueSchema>;

export const queueListQuerySchema = z.strictObject({
  page: z.coerce.number().int().min(1).max(100_000).default(1),
  perPage: z.coerce.number().int().min(1).max(100).default(25),
});
export const queueListReplySchema = z.object({
  data: z.array(queueSchema),
  pagination: z.object({ currentPage: z.int(), totalPages: z.int(), count: z.int() }),
});
export const queueQuerySchema = z.strictObject({ type: queueRefTypeSchema });
export const pauseQueueBodySchema = z.strictObject({ type: queueRefTypeSchema, action: z.enum(["pause", "resume"]) });
export const overrideQueueBodySchema = z.strictObject({
  type: queueRefTypeSchema,
  concurrencyLimit: z.int().min(0).max(100_000),
});
export const resetQueueBodySchema = z.strictObject({ type: queueRefTypeSchema });
export const queuePathSchema = text(300, 1);
