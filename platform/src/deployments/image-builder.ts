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

/** Told while a build goes on. */
export interface BuildProgress {
  step(step: "base" | "build" | "push", message: string): void;
  log(line: string): void;
}

/**
 * Makes a version's image and puts it into the registry. The platform never unpacks or executes what is in it.
 *
 * Two adapters pass one conformance suite: `oci-registry` appends layers over the registry's HTTP API, `docker` runs a
 * build. The same request makes the same digest (with `docker`: where its engine still has the build in its cache).
 * Errors: REGISTRY_UNAVAILABLE, REGISTRY_DENIED, BASE_IMAGE_NOT_FOUND, WRONG_ARCHITECTURE, LAYER_INVALID, LAYER_MISSING,
 * BUILD_FAILED. An aborted signal rejects with its reason; nothing that a version could run is left in the registry.
 */
export interface ImageBuilder {
  readonly name: "oci-registry" | "docker";
  build(request: ImageRequest, progress: BuildProgress, signal: AbortSignal): Promise<{ digest: string }>;
}

/** Where uploaded layers wait for their build: the environment's repository in the registry, whoever builds. */
export interface LayerStore {
  /** Which of these layers the repository does not have yet; their order is kept. */
  missingLayers(repository: string, digests: string[]): Promise<string[]>;
  /**
   * Streams a layer through to the registry; checks on the way its digest, its size and every entry of its tar. A bad one
   * leaves nothing behind. Errors: LAYER_INVALID, LAYER_TOO_LARGE, REGISTRY_*.
   */
  storeLayer(repository: string, layer: { digest: string; bytes: number }, content: Readable): Promise<void>;
  /** A layer's compressed bytes. Errors: LAYER_MISSING. */
  readLayer(repository: string, digest: string): Promise<Readable>;
}

/** The registry as deployments and clean-up need it. */
export interface ImageRegistry {
  /** What the registry's image is made for (`linux/amd64`, …); undefined where it has no such manifest now. */
  imagePlatforms(repository: string, digest: string): Promise<string[] | undefined>;
  /** Removes a manifest; false where it is gone already or the registry does not allow it. */
  deleteImage(repository: string, digest: string): Promise<boolean>;
  /**
   * A credential that pushes to this repository and no other, for a while; undefined where the registry cannot limit one
   * (then people use their own).
   */
  pushToken(repository: string): Promise<string | undefined>;
}
