import type { ImagePlatform } from "@gantry/sdk/contract";
import { parseImageReference, registryUrl } from "../../deployments/image-reference-ref.ts";
import { AppError } from "../../errors.ts";
import { type ImageConfig, type ImageIndex, type ImageManifest, platformOf } from "./appended-image-manifest.ts";
import { type Manifest, MEDIA, type RegistryClient } from "./registry-client.ts";

/** A base image for one platform. */
export interface BaseImage {
  /** The registry that has it. */
  from: RegistryClient;
  repository: string;
  platform: ImagePlatform;
  mediaType: string;
  manifest: ImageManifest;
  config: ImageConfig;
}

/** The base image for each platform that is asked for. Errors: BASE_IMAGE_NOT_FOUND, WRONG_ARCHITECTURE, REGISTRY_*. */
export async function findBaseImages(
  name: string,
  platforms: readonly ImagePlatform[],
  clientFor: (registryUrl: string) => RegistryClient,
  signal: AbortSignal,
): Promise<BaseImage[]> {
  const parsed = parseImageReference(name);
  if (parsed === undefined) throw new AppError("BASE_IMAGE_NOT_FOUND", `"${name}" is not the name of an image.`);
  const from = clientFor(registryUrl(parsed.registry));
  const { repository } = parsed;
  const found = await from.manifest(repository, parsed.reference, signal);
  if (found === undefined)
    throw new AppError("BASE_IMAGE_NOT_FOUND", `The registry ${from.host} has no image ${name}.`);
  return Promise.all(
    platforms.map(async (platform) => {
      const single = await forPlatform(name, found, platform, (digest) => from.manifest(repository, digest, signal));
      const manifest = JSON.parse(single.bytes.toString("utf8")) as ImageManifest;
      const config = await readConfig(name, from, repository, manifest, signal);
      if (platformOf(config) !== platform) throw wrongArchitecture(name, platform, [platformOf(config)]);
      return { from, repository, platform, mediaType: single.mediaType, manifest, config };
    }),
  );
}

async function forPlatform(
  name: string,
  found: Manifest,
  platform: ImagePlatform,
  load: (digest: string) => Promise<Manifest | undefined>,
): Promise<Manifest> {
  if (!isIndex(found.mediaType)) return found;
  const { manifests } = JSON.parse(found.bytes.toString("utf8")) as ImageIndex;
  const entry = manifests.find((each) => each.platform !== undefined && platformOf(each.platform) === platform);
  if (entry === undefined) throw wrongArchitecture(name, platform, indexPlatforms(manifests));
  const loaded = await load(entry.digest);
  if (loaded === undefined)
    throw new AppError("BASE_IMAGE_NOT_FOUND", `The registry lists ${entry.digest} of ${name} but does not have it.`);
  return loaded;
}

async function readConfig(
  name: string,
  from: RegistryClient,
  repository: string,
  manifest: ImageManifest,
  signal: AbortSignal,
): Promise<ImageConfig> {
  if (manifest.schemaVersion !== 2 || manifest.config?.digest === undefined)
    throw new AppError("BASE_IMAGE_NOT_FOUND", `${name} is of a format older than Docker's second; push it anew.`);
  const bytes = await from.smallBlob(repository, manifest.config.digest, signal);
  if (bytes === undefined)
    throw new AppError("BASE_IMAGE_NOT_FOUND", `The registry ${from.host} has ${name} without its config.`);
  return JSON.parse(bytes.toString("utf8")) as ImageConfig;
}

export const isIndex = (mediaType: string): boolean => mediaType === MEDIA.ociIndex || mediaType === MEDIA.dockerList;

/** Attestations stand in an index as images of an unknown platform. */
export function indexPlatforms(manifests: ImageIndex["manifests"]): string[] {
  const named = manifests.flatMap(({ platform }) => (platform === undefined ? [] : [platformOf(platform)]));
  return named.filter((platform) => !platform.startsWith("unknown"));
}

function wrongArchitecture(name: string, wanted: string, has: string[]): AppError {
  const made = has.length === 0 ? "no platform" : has.join(" and ");
  return new AppError("WRONG_ARCHITECTURE", `${name} is made for ${made}, not for ${wanted}.`, {
    details: { image: name, wanted, has },
  });
}
