import { z } from "zod";
import { CHECKPOINT_REASONS, type CheckpointReason } from "../checkpoint-policy.ts";
import { instantSchema } from "./scalars.ts";

/** What became of the worker of a run that waits. Only a stored process has sizes and a node. */
export const runCheckpointSchema = z
  .object({
    mode: z
      .enum(["hold", "replay", "process"])
      .describe("Its process is kept, has left and is replayed, or is stored in Postgres."),
    reason: z.enum(Object.keys(CHECKPOINT_REASONS) as [CheckpointReason, ...CheckpointReason[]]),
    because: z.string().optional().describe("The line that forbids a replay, where one does."),
    parkedAt: instantSchema.describe("Since when it has been so."),
    storedBytes: z.number().optional().describe("Compressed and encrypted, as Postgres has it."),
    bytes: z.number().optional().describe("Before that."),
    node: z.string().optional().describe("Where it was stored."),
    failures: z.int().optional().describe("How often it could not be brought back; it is tried elsewhere."),
    frees: z.string().optional().describe("The machine preset that nobody holds meanwhile; absent with mode hold."),
  })
  .meta({ id: "RunCheckpoint" });
export type RunCheckpoint = z.infer<typeof runCheckpointSchema>;

/** A node, as the last worker there has tried it. */
export const checkpointNodeSchema = z
  .object({
    name: z.string(),
    works: z.boolean(),
    reason: z.string().nullable().describe("Why it does not."),
    arch: z.string(),
    kernel: z.string(),
    seenAt: instantSchema,
  })
  .meta({ id: "CheckpointNode" });
export type CheckpointNode = z.infer<typeof checkpointNodeSchema>;

/** Whether, and where, processes of waiting runs can be stored. */
export const clusterCheckpointsSchema = z
  .object({
    isEnabled: z.boolean().describe("The operator has switched it on."),
    problem: z
      .string()
      .optional()
      .describe("Why the cluster lets no process be stored all the same; its runs start without."),
    nodes: z.array(checkpointNodeSchema).describe("Those that had a worker of a task that wants it."),
  })
  .meta({ id: "ClusterCheckpoints" });
export type ClusterCheckpoints = z.infer<typeof clusterCheckpointsSchema>;
