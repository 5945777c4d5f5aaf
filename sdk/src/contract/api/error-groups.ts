import { z } from "zod";
import { runStatusSchema } from "./runs.ts";
import { fingerprintSchema, instantSchema, runIdSchema, taskIdSchema, text } from "./scalars.ts";
import { periodSchema } from "./tasks.ts";

/** Failed runs of a task with the same error: its name, code, the shape of its message, and the first line of own code. */
export const errorGroupSchema = z
  .object({
    fingerprint: fingerprintSchema,
    taskIdentifier: taskIdSchema,
    status: runStatusSchema.describe("Of the latest of its runs."),
    name: z.string(),
    code: z.string().optional(),
    message: z.string().describe("Of the latest of its runs; 1,000 characters at most."),
    count: z.int().describe("Runs that ended so within the period."),
    firstSeenAt: instantSchema,
    lastSeenAt: instantSchema,
    sampleRunId: runIdSchema.describe("The latest of its runs."),
    bucketMs: z.int(),
    series: z.array(z.object({ at: instantSchema, count: z.int() })).describe("Oldest first, empty stretches too."),
  })
  .meta({ id: "ErrorGroup" });
export type ErrorGroup = z.infer<typeof errorGroupSchema>;

export const errorListQuerySchema = z.strictObject({
  "page[size]": z.coerce.number().int().min(1).max(100).default(25),
  "page[after]": text(128).optional().describe("The `next` of the page before."),
  "filter[taskIdentifier]": text(4096).optional().describe("Task ids; several are separated by commas."),
  "filter[search]": text(256).optional().describe("Part of the error's name, code or message, in any case."),
  period: periodSchema,
});
export const errorListReplySchema = z.object({
  data: z.array(errorGroupSchema),
  pagination: z.object({ next: z.string().optional() }),
});
export type ErrorListReply = z.infer<typeof errorListReplySchema>;
export const errorQuerySchema = z.strictObject({ period: periodSchema });
