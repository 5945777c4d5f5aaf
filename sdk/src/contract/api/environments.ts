import { z } from "zod";
import { instantSchema } from "./scalars.ts";

/** An environment that the credential may see. */
export const environmentSchema = z
  .object({
    id: z.string().describe("env_…"),
    slug: z.string(),
    type: z.enum(["DEVELOPMENT", "STAGING", "PREVIEW", "PRODUCTION"]),
    project: z.object({ id: z.string(), ref: z.string(), name: z.string() }),
  })
  .meta({ id: "Environment" });
export type Environment = z.infer<typeof environmentSchema>;
export const environmentListReplySchema = z.object({ data: z.array(environmentSchema) });

/** A limit of the environment, and how much of it is used where that is counted. */
export const limitUsageSchema = z
  .object({
    name: z.string(),
    value: z.number(),
    default: z.number(),
    isChanged: z.boolean().describe("It is not the default."),
    used: z.number().nullable().describe("Null where there is nothing to count: a size, a time."),
    isAtLeast: z.boolean().describe("`used` was counted up to there; it may be more."),
  })
  .meta({ id: "LimitUsage" });
export type LimitUsage = z.infer<typeof limitUsageSchema>;
export const usageReplySchema = z
  .object({
    isPaused: z.boolean(),
    pausedAt: instantSchema.nullable(),
    limits: z.array(limitUsageSchema),
  })
  .meta({ id: "EnvironmentUsage" });
export type EnvironmentUsage = z.infer<typeof usageReplySchema>;
