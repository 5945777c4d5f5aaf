import type { MachinePreset } from "../contract/machine-presets.ts";
import type { Grant } from "../contract/worker-protocol.ts";
import type { RegisteredTask } from "./catalogue.ts";

/** `ctx`: what a task may know of its run. Shape and names are Trigger.dev v4's. */
export interface TaskContext {
  task: { id: string; filePath: string; exportName?: string | undefined };
  attempt: { number: number; startedAt: Date };
  run: {
    id: string;
    tags: string[];
    isTest: boolean;
    isReplay: boolean;
    createdAt: Date;
    startedAt: Date;
    idempotencyKey?: string | undefined;
    maxAttempts: number;
    /** Compute time in seconds. */
    maxDuration?: number | undefined;
    version: string;
    priority: number;
    concurrencyKey?: string | undefined;
    parentTaskRunId?: string | undefined;
    rootTaskRunId?: string | undefined;
    /** Always 0: Gantry runs on your own machines. */
    baseCostInCents: number;
  };
  queue: { id: string; name: string };
  environment: { id: string; slug: string; type: "DEVELOPMENT" | "STAGING" | "PREVIEW" | "PRODUCTION" };
  /** Gantry has no organizations; the project's names stand in for code that reads them. */
  organization: { id: string; slug: string; name: string };
  project: { id: string; ref: string; slug: string; name: string };
  /** `centsPerMs` is always 0. */
  machine: MachinePreset & { centsPerMs: number };
  batch?: { id: string } | undefined;
  deployment: { id: string; shortCode: string; version: string; runtime: string; runtimeVersion: string };
}

export function makeContext(grant: Grant, task: RegisteredTask, startedAt: Date): TaskContext {
  const { run, project } = grant;
  return {
    task: { id: task.id, filePath: task.filePath, exportName: task.exportName },
    attempt: { number: grant.attempt, startedAt },
    run: {
      id: run.id,
      tags: [...run.tags],
      isTest: run.isTest,
      isReplay: false,
      createdAt: new Date(run.createdAt),
      startedAt: new Date(run.startedAt),
      idempotencyKey: run.idempotencyKey,
      maxAttempts: run.maxAttempts,
      maxDuration: run.maxDurationMs === undefined ? undefined : run.maxDurationMs / 1000,
      version: run.version,
      priority: run.priority,
      concurrencyKey: run.concurrencyKey,
      parentTaskRunId: run.parentRunId,
      rootTaskRunId: run.rootRunId,
      baseCostInCents: 0,
    },
    queue: { ...grant.queue },
    environment: { ...grant.environment },
    organization: { id: project.id, slug: project.ref, name: project.name },
    project: { id: project.id, ref: project.ref, slug: project.ref, name: project.name },
    machine: { ...grant.machine, centsPerMs: 0 },
    batch: run.batchId === undefined ? undefined : { id: run.batchId },
    deployment: {
      id: grant.deployment.id,
      shortCode: grant.deployment.id,
      version: grant.deployment.version,
      runtime: "node",
      runtimeVersion: process.versions.node,
    },
  };
}
