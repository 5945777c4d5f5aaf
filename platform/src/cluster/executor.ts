import type { Manifest } from "@gantry/sdk/contract";
import type { DeploymentSource } from "../deployments/deployment-service.ts";

/** A version as an executor needs it. */
export interface ExecutableDeployment {
  id: string;
  environmentId: number;
  version: string;
  manifest: Manifest;
  source: DeploymentSource;
}

export interface LaunchRequest {
  executionId: string;
  runId: string;
  taskId: string;
  machine: string;
  deployment: ExecutableDeployment;
}

/**
 * Where workers come from: processes on this machine, or Kubernetes Jobs.
 *
 * Every method is idempotent and may be called again after a crash of the platform. A worker that comes up connects to
 * the platform's worker channel and says hello; the engine then gives it what it was launched for.
 */
export interface Executor {
  readonly name: string;
  /** Makes sure that a worker comes for each execution, or that one is on its way. */
  launch(requests: LaunchRequest[]): Promise<void>;
  /** A version has become current: boot ahead where that is possible. `concurrency` is the most that may execute at once. */
  prepare(deployment: ExecutableDeployment, concurrency: number): Promise<void>;
  /** The version is neither current nor has live runs: its workers may end when idle. */
  retire(deploymentId: string): Promise<void>;
  /** The execution is fenced: make sure that its process ends. */
  abandon(executionId: string): Promise<void>;
  /** Stops what this platform started; `drain` lets runs finish first. */
  stop(mode: "drain" | "kill" | "leave"): Promise<void>;
}
