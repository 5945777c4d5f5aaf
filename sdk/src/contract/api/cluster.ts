import { z } from "zod";
import { clusterCheckpointsSchema } from "./checkpoints.ts";
import { instantSchema, runIdSchema } from "./scalars.ts";

export const WORKER_PHASES = ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "ENDING"] as const;

const workerPodSchema = z.object({
  name: z.string(),
  phase: z.string().describe("As Kubernetes says it."),
  reason: z.string().nullable().describe("Why it waits or how it ended: Unschedulable, ImagePullBackOff, OOMKilled, …"),
  message: z.string().nullable(),
  node: z.string().nullable(),
  restarts: z.int(),
  createdAt: instantSchema,
  startedAt: instantSchema.nullable(),
});

/** What executes runs: a Job for one execution, or a process of this machine for all of a version. */
export const clusterWorkerSchema = z
  .object({
    name: z.string(),
    kind: z.enum(["job", "process"]),
    phase: z.enum(WORKER_PHASES),
    reason: z.string().nullable(),
    message: z.string().nullable(),
    version: z.string().nullable(),
    runId: runIdSchema.nullable().describe("Of a Job: the run that it is for."),
    taskIdentifier: z.string().nullable(),
    node: z.string().nullable(),
    restarts: z.int(),
    executions: z.int().describe("Runs that it works on now."),
    pid: z.int().nullable(),
    memoryBytes: z.number().nullable().describe("Of a process: resident, with its task processes."),
    createdAt: instantSchema,
    startedAt: instantSchema.nullable(),
    pods: z.array(workerPodSchema),
    warnings: z.array(z.object({ reason: z.string(), message: z.string(), at: instantSchema })),
  })
  .meta({ id: "ClusterWorker" });
export type ClusterWorker = z.infer<typeof clusterWorkerSchema>;

const roomSchema = z.object({ total: z.number(), requested: z.number() });
export const clusterNodeSchema = z
  .object({
    name: z.string(),
    isReady: z.boolean(),
    isSchedulable: z.boolean(),
    pressure: z.array(z.string()).describe("MemoryPressure, DiskPressure, …"),
    cpu: roomSchema.describe("Cores that pods may have; `requested` by runs of this installation alone."),
    memoryBytes: roomSchema,
    pods: roomSchema,
  })
  .meta({ id: "ClusterNode" });
export type ClusterNode = z.infer<typeof clusterNodeSchema>;

export const clusterReplySchema = z
  .object({
    executor: z.enum(["process", "kubernetes", "none"]),
    problem: z.string().nullable().describe("Why runs cannot start at all; null where they can."),
    observedAt: instantSchema,
    workers: z.array(clusterWorkerSchema).describe("The environment's, newest first; 500 at most."),
    isTruncated: z.boolean(),
    nodes: z
      .array(clusterNodeSchema)
      .nullable()
      .describe("Null where there are none, or the platform may not see them."),
    checkpoints: clusterCheckpointsSchema.optional().describe("Absent where runs are not executed on a cluster."),
  })
  .meta({ id: "Cluster" });
export type ClusterReply = z.infer<typeof clusterReplySchema>;
