import { z } from "zod";
import { CATCH_UPS, OVERLAPS, scheduleProblem } from "../schedule-policy.ts";
import { durationSchema, instantSchema, taskIdSchema, text } from "./scalars.ts";

const overlapSchema = z
  .enum(OVERLAPS)
  .describe("Where a run of the schedule still goes on: start beside it, skip, queue one, or cancel it first.");

const catchUpSchema = z
  .union([z.enum(CATCH_UPS), z.strictObject({ policy: z.enum(CATCH_UPS), within: durationSchema.optional() })])
  .describe(
    "What is made up for after a pause or downtime: nothing, the last due time, or all of them, within a time.",
  );

const jitterSchema = text(32, 1).describe('A window behind each due time: "30s", "15m" or "30%" of the interval.');

const timingShape = {
  cron: text(256, 1).describe("Five fields, six with seconds first, or @hourly, @daily, @weekly, @monthly, @yearly."),
  timezone: text(64, 1).optional().describe("An IANA time zone; default UTC."),
};
const scheduleShape = {
  task: taskIdSchema,
  ...timingShape,
  externalId: text(256).nullish().describe("Your own id, handed to the runs."),
  overlap: overlapSchema.optional(),
  catchUp: catchUpSchema.optional(),
  jitter: jitterSchema.nullish(),
  window: jitterSchema.optional().describe("Trigger.dev's name for `jitter`."),
};

/** Says of cron, zone and jitter what is wrong, where it is wrong. */
function refuseWrongTimes(
  body: {
    cron: string;
    timezone?: string | undefined;
    jitter?: string | null | undefined;
    window?: string | undefined;
  },
  context: z.RefinementCtx,
): void {
  const jitter = body.jitter ?? body.window;
  const problem = scheduleProblem({ ...body, jitter: jitter ?? undefined });
  if (problem === undefined) return;
  const field = problem.field === "jitter" && body.jitter == null ? "window" : problem.field;
  context.addIssue({ code: "custom", path: [field], message: problem.message });
}

export const createScheduleBodySchema = z
  .strictObject({
    ...scheduleShape,
    deduplicationKey: text(256, 1).describe("A second create with it updates the first."),
  })
  .superRefine(refuseWrongTimes);
export const updateScheduleBodySchema = z.strictObject(scheduleShape).superRefine(refuseWrongTimes);

export const previewScheduleBodySchema = z
  .strictObject({
    ...timingShape,
    from: instantSchema.optional().describe("Due times after it; default now."),
    count: z.int().min(1).max(100).default(5),
  })
  .superRefine(refuseWrongTimes);
export const previewScheduleReplySchema = z.object({ timezone: z.string(), upcoming: z.array(instantSchema) });

export const scheduleSchema = z
  .object({
    id: z.string(),
    type: z.enum(["DECLARATIVE", "IMPERATIVE"]),
    task: z.string(),
    active: z.boolean(),
    deduplicationKey: z.string().nullable(),
    externalId: z.string().nullable(),
    generator: z.object({ type: z.literal("CRON"), expression: z.string(), description: z.string() }),
    timezone: z.string(),
    overlap: z.enum(OVERLAPS),
    catchUp: z.object({ policy: z.enum(CATCH_UPS), within: z.string() }),
    jitter: z.string().nullable(),
    window: z.string().optional(),
    nextRun: instantSchema.nullable().describe("The next due time; null while the schedule is not active."),
    nextRunEffectiveAt: instantSchema.nullable().describe("The same with its jitter."),
    lastRun: instantSchema.nullable().describe("The latest due time that started a run."),
    upcoming: z.array(instantSchema),
    environments: z.array(z.object({ id: z.string(), type: z.string() })),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: "Schedule" });
export type ScheduleReply = z.infer<typeof scheduleSchema>;

export const scheduleListQuerySchema = z.strictObject({
  page: z.coerce.number().int().min(1).max(100_000).default(1),
  perPage: z.coerce.number().int().min(1).max(100).default(25),
});
export const scheduleListReplySchema = z.object({
  data: z.array(scheduleSchema),
  pagination: z.object({ currentPage: z.int(), totalPages: z.int(), count: z.int() }),
});
export const deletedScheduleSchema = z.object({ id: z.string() });
export const scheduleRunReplySchema = z.object({ id: z.string().describe("The run's id.") });
export const timezonesQuerySchema = z.strictObject({ excludeUtc: z.enum(["true", "false"]).optional() });
export const timezonesReplySchema = z.object({ timezones: z.array(z.string()) });

/** Which schedule a run is from, as Trigger.dev shows it; and when it was due. */
export const runScheduleSchema = z.object({
  id: z.string(),
  externalId: z.string().optional(),
  deduplicationKey: z.string().optional(),
  generator: z.object({ type: z.literal("CRON"), expression: z.string(), description: z.string() }),
  dueAt: instantSchema,
});
