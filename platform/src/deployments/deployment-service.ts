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
  /** Of everything that went into it, where it was given. */
  contentHash?: string | undefined;
  /** Its image was removed from the registry. */
  imageDeletedAt?: Date | undefined;
}

/** A version whose image may go. */
export interface PrunableImage {
  version: string;
  repository: string;
  digest: string;
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
  /** Errors: DEPLOYMENT_NOT_FOUND, IMAGE_GONE. */
  promote(environment: EnvironmentRef, version: string): Promise<DeploymentInfo>;
  retrieve(environment: EnvironmentRef, idOrVersion: string): Promise<DeploymentInfo | undefined>;
  current(environment: EnvironmentRef): Promise<DeploymentInfo | undefined>;
  list(
    environment: EnvironmentRef,
    page: { size: number; after?: string },
  ): Promise<{ deployments: DeploymentInfo[]; next: string | undefined }>;
  /**
   * Marks as gone the images of versions that are not current, not of the latest `keep`, and that no live run needs; an
   * image that such a version shares with another one stays.
   */
  claimPrunableImages(environment: EnvironmentRef, keep: number): Promise<PrunableImage[]>;
  /** The images of these versions are there after all. */
  restoreImages(environment: EnvironmentRef, versions: string[]): Promise<void>;
}
