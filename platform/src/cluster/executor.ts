import type { MachinePreset, Manifest } from "@gantry/sdk/contract";
import type { CheckpointNode, RestoreNeeds } from "../checkpoints/checkpoint-store.ts";
import type { DeploymentSource } from "../deployments/deployment-service.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { ClusterSight } from "./cluster-sight.ts";

/** A version as an executor needs it. */
export interface ExecutableDeployment {
  id: string;
  environmentId: number;
  version: string;
  manifest: Manifest;
  source: DeploymentSource;
}

/** Where a stored process may be brought back. */
export interface RestoreRequest extends RestoreNeeds {
  /** What is known of nodes: whether they can at all, and what they have. One that is not named may be able as well. */
  nodes: CheckpointNode[];
}

/** One execution that waits for a worker. Ids are UUIDs. */
export interface LaunchRequest {
  executionId: string;
  runId: string;
  taskId: string;
  attempt: number;
  machine: MachinePreset;
  /** The operator's template that the task asks for. */
  podTemplate?: string | undefined;
  /** Its worker is to be allowed to store its task's process, and to bring one back. */
  storesProcess?: boolean | undefined;
  /** The stored process that it brings back. */
  restore?: RestoreRequest | undefined;
  deployment: ExecutableDeployment;
  environment: EnvironmentRef;
  /** Part of a Job's name: after a restored database older Jobs are others'. */
  epoch: number;
  /** No worker that starts later is wanted. */
  startDeadlineAt: Date;
}

/**
 * Where workers come from: processes on this machine, or Kubernetes Jobs.
 *
 * Every method is idempotent and may be called again after a crash of the platform, or by two replicas at once. A worker
 * that comes up connects to the platform's worker channel and says hello; the engine then gives it what it was launched
 * for. What an executor sees of its workers later it tells by WorkerObservations.
 */
export interface Executor {
  readonly name: string;
  /**
   * Whether a worker takes one execution and ends (a Job), so that each awaited execution needs a launch of its own; else
   * a version's worker takes what comes.
   */
  readonly launchesEach: boolean;
  /**
   * Makes sure that a worker comes for each execution, or that one is on its way. Rejects where that is not sure of all:
   * they are launched again.
   */
  launch(requests: LaunchRequest[]): Promise<void>;
  /** A version has become current: boot ahead where that is possible. `concurrency` is the most that may execute at once. */
  prepare(deployment: ExecutableDeployment, concurrency: number): Promise<void>;
  /** The version is neither current nor has live runs: its workers may end when idle. */
  retire(deploymentId: string): Promise<void>;
  /** The execution is fenced: make sure that its process ends. Nothing to end is no error. */
  abandon(executionId: string): Promise<void>;
  /** The workers that there are now, of this environment at least. Changes nothing. Errors: where they cannot be looked at. */
  look(environment: EnvironmentRef): Promise<ClusterSight>;
  /** Stops what this platform started; `drain` lets runs finish first. */
  stop(mode: "drain" | "kill" | "leave"): Promise<void>;
}
