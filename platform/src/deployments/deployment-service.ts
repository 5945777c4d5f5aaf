import type { Manifest } from "@gantry/sdk/contract";
import type { EnvironmentRef } from "../projects/principal.ts";

export interface DeploymentInfo {
  /** Public id. */
  id: string;
  /** `YYYYMMDD.N`. */
  version: string;
  status: "DEPLOYED" | "PENDING" | "FAILED" | "CANCELED";
  isCurrent: boolean;
  manifest: Manifest;
  /** Where its workers find the code: `file:` and a folder for the process executor, an image digest for Kubernetes. */
  source: DeploymentSource;
  createdAt: Date;
  promotedAt: Date | undefined;
}

export type DeploymentSource =
  | { kind: "local"; bundleDir: string; projectDir: string; envFiles: string[] }
  | { kind: "image"; repository: string; digest: string };

export interface DeploymentService {
  /** Stores a version with its tasks and queues, and makes it current unless told not to. Declared queue limits take effect with the promotion. */
  register(
    environment: EnvironmentRef,
    deployment: { manifest: Manifest; source: DeploymentSource; promote: boolean; contentHash?: string },
  ): Promise<DeploymentInfo>;
  promote(environment: EnvironmentRef, version: string): Promise<DeploymentInfo>;
  retrieve(environment: EnvironmentRef, idOrVersion: string): Promise<DeploymentInfo | undefined>;
  current(environment: EnvironmentRef): Promise<DeploymentInfo | undefined>;
  list(
    environment: EnvironmentRef,
    page: { size: number; after?: string },
  ): Promise<{ deployments: DeploymentInfo[]; next: string | undefined }>;
}
