import type { Readable } from "node:stream";
import type { BuildEvent, buildDeploymentBodySchema, DeployTarget, PushAccess } from "@gantry/sdk/contract";
import type { z } from "zod";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { DeploymentInfo, DeploymentSource } from "./deployment-service.ts";

export type BuildRequest = z.output<typeof buildDeploymentBodySchema>;

type Step = Extract<BuildEvent, { type: "step" }>["step"];

export interface DeployProgress {
  step(step: Step, message: string): void;
  log(line: string): void;
}

/** From a version's layers to a version that serves. A failure at any step leaves the current version serving. */
export interface DeployService {
  target(environment: EnvironmentRef): DeployTarget;
  /** Errors: NO_IMAGE_BUILDER, REGISTRY_*. */
  missingLayers(environment: EnvironmentRef, digests: string[]): Promise<string[]>;
  /** Errors: LAYER_INVALID, LAYER_TOO_LARGE, NO_IMAGE_BUILDER, REGISTRY_*. */
  storeLayer(environment: EnvironmentRef, layer: { digest: string; bytes: number }, content: Readable): Promise<void>;
  /** What can be said of a build before it waits for its turn. Errors: NO_IMAGE_BUILDER, WRONG_ARCHITECTURE. */
  check(request: BuildRequest): void;
  /**
   * Builds, verifies, registers, promotes; waits while another deploy of the environment goes on. Where the signal is
   * aborted (the client went away) it stops, unless it has begun to register: that is finished.
   */
  build(
    environment: EnvironmentRef,
    request: BuildRequest,
    progress: DeployProgress,
    signal: AbortSignal,
  ): Promise<{ deployment: DeploymentInfo; isNew: boolean; platformMs: number }>;
  /** Whether a version may be registered with this source. Errors: IMAGE_NOT_FOUND, WRONG_ARCHITECTURE, UNSUPPORTED_OPTION. */
  verifySource(environment: EnvironmentRef, source: DeploymentSource): Promise<void>;
  /** Errors: NO_IMAGE_BUILDER where people's machines are not meant to push. */
  pushAccess(environment: EnvironmentRef): Promise<PushAccess>;
  /** Removes images that neither a run nor one of the latest versions needs; returns their versions. */
  prune(environment: EnvironmentRef): Promise<{ versions: string[] }>;
}
