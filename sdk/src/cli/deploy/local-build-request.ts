import type { PushAccess } from "../../contract/api/index.ts";
import type { ImagePlatform } from "../../contract/image-layout.ts";
import type { LayerFile } from "./layer-cache.ts";

/** What `--local-build` makes an image of, with the Docker of this machine. */
export interface LocalBuildRequest {
  /** Bottom first. */
  layers: LayerFile[];
  platforms: ImagePlatform[];
  baseImage: string;
  /** Dockerfile lines, as root, before the layers. */
  instructions: string[];
  /** Set in the image: where the runner finds the bundle. */
  env: Record<string, string>;
  labels: Record<string, string>;
  /** Where it is pushed to. */
  access: PushAccess;
  cliEnv: Record<string, string | undefined>;
  log: (line: string) => void;
  signal: AbortSignal;
}

/** Builds and pushes; returns the digest of what was pushed. */
export type LocalBuild = (request: LocalBuildRequest) => Promise<{ digest: string }>;
