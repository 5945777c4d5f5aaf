import { z } from "zod";
import { taskDeclarationSchema } from "../manifest.ts";
import { runStatusSchema } from "./runs.ts";
import { durationSchema, instantSchema, runIdSchema, taskIdSchema, text } from "./scalars.ts";

/** How long back figures may look: as long as runs are kept. */
export const MAX_PERIOD_MS = 30 * 24 * 3600_000;
export const periodSchema = durationSchema
  .default("24h")
  .describe('How far back the figures look: "1h", "24h", "7d"; 30 days at most.');

/** What ended within one stretch of time. Durations are from the start to the end of a run, waits included. */
export const statPointSchema = z
  .object({
    at: instantSchema.describe("Where the stretch begins; it is `bucketMs` long."),
    runs: z.int().describe("Runs that ended in it."),
    failed: z.int().describe("Of these, those that ended neither COMPLETED nor CANCELED."),
    canceled: z.int(),
    p50Ms: z.number().nullable().describe("Half of the runs took no longer. Null where none had started."),
    p95Ms: z.number().nullable(),
  })
  .meta({ id: "StatPoint" });
export type StatPoint = z.infer<typeof statPointSchema>;

/** Ended runs over a time: totals, and a point for each stretch of it, oldest first, empty ones too. */
export const statsSchema = z
  .object({
    fromAt: instantSchema,
    bucketMs: z.int(),
    runs: z.int(),
    failed: z.int(),
    canceled: z.int(),
    p50Ms: z.number().nullable(),
    p95Ms: z.number().nullable(),
    series: z.array(statPointSchema),
  })
  .meta({ id: "Stats" });
export type Stats = z.infer<typeof statsSchema>;

export const lastRunSchema = z.object({
  id: runIdSchema,
  status: runStatusSchema,
  createdAt: instantSchema,
  finishedAt: instantSchema.optional(),
});

/** A task of the current version. */
export const taskSchema = z
  .object({
    id: taskIdSchema,
    kind: z.enum(["STANDARD", "SCHEDULED"]),
    filePath: z.string(),
    exportName: z.string().optional(),
    description: z.string().optional(),
    version: z.string().describe("The current version, which declares it."),
    queue: z.string().describe("Name of its queue; `task/<id>` is its own."),
    machine: z.string().optional(),
    cron: z.string().optional().describe("Of the schedule that it declares."),
    hasPayloadSchema: z.boolean(),
    stats: statsSchema,
    lastRun: lastRunSchema.nullable().describe("The one that was made last, of those that are kept."),
  })
  .meta({ id: "Task" });
export type Task = z.infer<typeof taskSchema>;

export const taskDetailSchema = taskSchema
  .extend({
    declaration: taskDeclarationSchema.omit({ payloadSchema: true }).describe("As the version declares it."),
    payloadSchema: z.unknown().optional().describe("JSON schema of the payload, where the task's library gives one."),
    versionCreatedAt: instantSchema,
  })
  .meta({ id: "TaskDetail" });
export type TaskDetail = z.infer<typeof taskDetailSchema>;

export const taskListQuerySchema = z.strictObject({
  "page[size]": z.coerce.number().int().min(1).max(100).default(25),
  "page[after]": text(128).optional().describe("A task's id: the page of those behind it."),
  "filter[search]": text(128).optional().describe("Part of the task's id, in any case."),
  period: periodSchema,
});
export const taskListReplySchema = z.object({
  data: z.array(taskSchema),
  pagination: z.object({ next: z.string().optional() }),
});
export type TaskListReply = z.infer<typeof taskListReplySchema>;
export const taskQuerySchema = z.strictObject({ period: periodSchema });

export const statsQuerySchema = z.strictObject({
  period: periodSchema,
  "filter[taskIdentifier]": text(4096).optional().describe("Task ids; several are separated by commas."),
});
