import { z } from "zod";
import { instantSchema, text } from "./scalars.ts";

/** CANCELED: the client of the deploy went away. */
export const BUILD_STATUSES = ["BUILDING", "DEPLOYED", "FAILED", "CANCELED"] as const;
export type BuildStatus = (typeof BUILD_STATUSES)[number];

/** An image that the platform made, or makes, for a deploy. Versions of `gantry dev` have none. */
export const buildSchema = z
  .object({
    id: z.string().describe("build_…"),
    status: z.enum(BUILD_STATUSES),
    contentHash: z.string(),
    taskCount: z.int(),
    version: z.string().optional().describe("What it became; the version in service where nothing had changed."),
    isNew: z.boolean().optional().describe("False where nothing had changed since the version in service."),
    error: z.object({ code: z.string(), message: z.string() }).optional(),
    startedAt: instantSchema,
    endedAt: instantSchema.optional(),
  })
  .meta({ id: "Build" });
export type Build = z.infer<typeof buildSchema>;

export const buildLineSchema = z.object({
  index: z.int().describe("From 0 without gaps."),
  step: z
    .enum(["wait", "base", "build", "push", "verify", "register", "promote"])
    .optional()
    .describe("A step begins; left out: a line of its log."),
  message: z.string(),
  at: instantSchema,
});
export type BuildLine = z.infer<typeof buildLineSchema>;

export const buildListQuerySchema = z.strictObject({
  version: text(64, 1).optional(),
  limit: z.coerce.number().int().min(1).max(50).default(20),
});
export const buildListReplySchema = z.object({ data: z.array(buildSchema) });
export const buildLinesQuerySchema = z.strictObject({
  from: z.coerce.number().int().min(0).default(0).describe("Index of the first line wanted."),
  limit: z.coerce.number().int().min(1).max(1000).default(500),
});
export const buildLinesReplySchema = z.object({
  build: buildSchema,
  lines: z.array(buildLineSchema),
  next: z.int().describe("Ask from here for what follows."),
});
export type BuildLinesReply = z.infer<typeof buildLinesReplySchema>;
