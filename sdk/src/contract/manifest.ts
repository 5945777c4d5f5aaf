import { z } from "zod";
import { checkpointSchema } from "./checkpoint.ts";
import { DEFAULT_CHECKPOINT, wantsProcessCheckpoints } from "./checkpoint-policy.ts";
import { CATCH_UPS, MAX_CATCH_UP_MS, OVERLAPS } from "./schedule-policy.ts";

/** What a version declares: its tasks and queues. The CLI makes it by importing the bundle; the platform stores it. */
export const retrySchema = z.object({
  maxAttempts: z.int().min(1).max(250).optional(),
  factor: z.number().positive().optional(),
  minTimeoutInMs: z.number().min(0).optional(),
  maxTimeoutInMs: z.number().min(0).optional(),
  randomize: z.boolean().optional(),
  outOfMemory: z.object({ machine: z.string().optional() }).optional(),
});

/** At most `limit` starts in any window of `periodMs`; `key` says what is counted (default: each concurrency key). */
export const rateLimitSchema = z.object({
  limit: z.int().min(1).max(1_000_000),
  /** Up to 24 days. */
  periodMs: z.int().min(1).max(2_147_483_647),
  key: z.enum(["queue", "concurrencyKey"]).default("concurrencyKey"),
});

export const queueDeclarationSchema = z.object({
  name: z.string().min(1).max(128),
  /** `task/<id>` queues are made for tasks without a queue of their own. */
  concurrencyLimit: z.int().min(0).max(100_000).nullish(),
  combinedConcurrencyLimit: z.int().min(0).max(100_000).nullish(),
  rateLimit: rateLimitSchema.nullish(),
});
export type QueueDeclaration = z.infer<typeof queueDeclarationSchema>;

/** A schedule that a task declares. Whether pattern, zone and jitter are any is said by `scheduleProblem`. */
export const scheduleDeclarationSchema = z.object({
  cron: z.string().max(256),
  timezone: z.string().max(64).default("UTC"),
  /** Kinds of environments it runs in; all where it is left out. */
  environments: z.array(z.enum(["DEVELOPMENT", "STAGING", "PREVIEW", "PRODUCTION"])).optional(),
  overlap: z.enum(OVERLAPS).optional(),
  catchUp: z.object({ policy: z.enum(CATCH_UPS), windowMs: z.int().min(0).max(MAX_CATCH_UP_MS).optional() }).optional(),
  /** A duration, or a share of the time to the next due time: "30%". */
  jitter: z.string().max(32).optional(),
});
export type ScheduleDeclaration = z.infer<typeof scheduleDeclarationSchema>;

export const taskDeclarationSchema = z.object({
  id: z.string().min(1).max(128),
  filePath: z.string(),
  exportName: z.string().optional(),
  description: z.string().optional(),
  queue: z.string().optional(),
  retry: retrySchema.optional(),
  machine: z.string().optional(),
  /** An operator's pod template, by name; without it the preset's own. Kubernetes only. */
  podTemplate: z.string().max(63).optional(),
  /** Compute time in seconds, as in the task's own option. */
  maxDuration: z.number().positive().optional(),
  /** Milliseconds. */
  ttlMs: z.number().int().positive().optional(),
  /** JSON schema of the payload, where the task's schema library can give one. */
  payloadSchema: z.unknown().optional(),
  hasOnFailure: z.boolean().optional(),
  /** The file's own default for `processKeepAlive`. */
  kind: z.enum(["STANDARD", "SCHEDULED"]).default("STANDARD"),
  /** Of a SCHEDULED task; without it, only the API's schedules start it. */
  schedule: scheduleDeclarationSchema.optional(),
  /** What is not set comes from the project's default. */
  checkpoint: checkpointSchema.partial().optional(),
});
export type TaskDeclaration = z.infer<typeof taskDeclarationSchema>;

export const manifestSchema = z.object({
  manifestVersion: z.literal(1),
  sdkVersion: z.string(),
  runtime: z.string(),
  tasks: z.array(taskDeclarationSchema).max(10_000),
  queues: z.array(queueDeclarationSchema).max(10_000),
  /** File names relative to the bundle's folder: the module the task process imports first, and `init.ts` if any. */
  entry: z.string(),
  processKeepAlive: z.boolean().default(false),
  defaultMachine: z.string().optional(),
  defaultRetry: retrySchema.optional(),
  defaultMaxDuration: z.number().positive().optional(),
  defaultCheckpoint: checkpointSchema.partial().optional(),
  /** False where no task file mentions waits or steps: processes then need not watch what tasks do. */
  mayWait: z.boolean().optional(),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** Ids of the tasks whose processes are stored while they wait, where the platform may. Their version needs an image that can. */
export function tasksThatStoreProcesses({
  tasks,
  defaultCheckpoint,
}: Pick<Manifest, "tasks" | "defaultCheckpoint">): string[] {
  const chosen = { ...DEFAULT_CHECKPOINT, ...defaultCheckpoint };
  return tasks
    .filter(({ checkpoint }) => wantsProcessCheckpoints({ ...chosen, ...checkpoint } as typeof DEFAULT_CHECKPOINT))
    .map(({ id }) => id);
}
