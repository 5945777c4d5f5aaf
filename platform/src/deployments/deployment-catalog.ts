import {
  type Checkpoint,
  DEFAULT_CHECKPOINT,
  type Manifest,
  type RetryOptions,
  type TaskDeclaration,
} from "@gantry/sdk/contract";
import type { ExecutableDeployment } from "../cluster/executor.ts";

/** A version as the hot path needs it: immutable, so it is cached for good. */
export interface CatalogedDeployment extends ExecutableDeployment {
  tasks: ReadonlyMap<string, CatalogedTask>;
  /** Nothing can start on it any more. */
  isImageGone?: boolean;
}

export interface CatalogedTask {
  declaration: TaskDeclaration;
  queueId: number;
}

/** Where triggers and grants look versions and queues up. Answers are cached; a promotion is seen within a second. */
export interface DeploymentCatalog {
  current(environmentId: number): Promise<CatalogedDeployment | undefined>;
  byId(deploymentId: string): Promise<CatalogedDeployment | undefined>;
  byVersion(environmentId: number, version: string): Promise<CatalogedDeployment | undefined>;
  /** A queue's id by its name; undefined where none is declared. */
  queueId(environmentId: number, name: string): Promise<number | undefined>;
  queueName(queueId: number): Promise<string>;
  queueNames(environmentId: number): Promise<string[]>;
  /** The queue of a task that no version has declared yet. */
  ensureTaskQueue(environmentId: number, taskId: string): Promise<number>;
  /** Forget what may have changed: a version was promoted here. */
  invalidate(environmentId: number): void;
}

/** The task's retry policy over the project's. */
export function retryOf(manifest: Manifest, task: TaskDeclaration | undefined): RetryOptions | undefined {
  if (task?.retry === undefined) return manifest.defaultRetry as RetryOptions | undefined;
  return { ...manifest.defaultRetry, ...task.retry } as RetryOptions;
}

/** How a waiting run's worker is dealt with: the task's word, over the project's, over the default. */
export function checkpointOf(manifest: Manifest, task: TaskDeclaration | undefined): Checkpoint {
  return { ...DEFAULT_CHECKPOINT, ...manifest.defaultCheckpoint, ...task?.checkpoint } as Checkpoint;
}
