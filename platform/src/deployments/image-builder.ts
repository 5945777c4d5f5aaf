import type { Readable } from "node:stream";
import type { ImagePlatform, Layer } from "@gantry/sdk/contract";

export interface ImageRequest {
  /** Within the registry, e.g. `gantry/airports-prod`. */
  repository: string;
  /** Uploaded before; bottom first. */
  layers: Layer[];
  platforms: ImagePlatform[];
  /** A reference with its registry; the worker image, or one made from it. */
  baseImage: string;
  /** Dockerfile lines, as root, before the layers. */
  instructions: string[];
  /** Set in the image: where the runner finds the bundle. */
  env: Record<string, string>;
  labels: Record<string, string>;
}

/**
 * Makes a version's image and puts it into the registry. The platform never unpacks or executes what is in it.
 *
 * Two adapters pass one conformance suite: `oci-registry` appends layers over the registry's HTTP API, `docker` runs a
 * build. The same request makes the same digest (with `docker`: where its instructions do).
 * Errors: REGISTRY_UNAVAILABLE, REGISTRY_DENIED, BASE_IMAGE_NOT_FOUND, WRONG_ARCHITECTURE, LAYER_INVALID, BUILD_FAILED.
 */
export interface ImageBuilder {
  readonly name: "oci-registry" | "docker";
  /** Which of these layers it does not have yet. */
  missingLayers(repository: string, digests: string[]): Promise<string[]>;
  /** Streams a layer to where the build finds it; checks on the way its digest, its size and every entry of its tar. */
  storeLayer(repository: string, layer: { digest: string; bytes: number }, content: Readable): Promise<void>;
  /** Builds and pushes. `log` gets lines as they come. */
  build(request: ImageRequest, log: (line: string) => void, signal: AbortSignal): Promise<{ digest: string }>;
}

/** The registry as deployments and clean-up need it. */
export interface ImageRegistry {
  /** Whether the registry has this manifest now; asked before a version is promoted. */
  hasImage(repository: string, digest: string): Promise<boolean>;
  /** Removes a manifest; false where it is gone already or the registry does not allow it. */
  deleteImage(repository: string, digest: string): Promise<boolean>;
  /** How a node names the image. */
  pullReference(repository: string, digest: string): string;
}
