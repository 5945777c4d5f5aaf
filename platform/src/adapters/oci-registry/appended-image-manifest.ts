/** Pure: a base image's manifest and config, and what is put on top → the new ones. The same input gives the same bytes. */

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

export interface ImageManifest {
  schemaVersion: 2;
  mediaType?: string;
  config: Descriptor;
  layers: Descriptor[];
  annotations?: Record<string, string>;
}

export interface ImageIndex {
  schemaVersion: 2;
  mediaType?: string;
  manifests: (Descriptor & { platform?: { os: string; architecture: string; variant?: string } })[];
}

export interface ImageConfig {
  created?: string;
  architecture: string;
  os: string;
  variant?: string;
  config?: { Env?: string[] | null; Labels?: Record<string, string> | null; [key: string]: unknown };
  rootfs: { type: "layers"; diff_ids: string[] };
  history?: { created?: string; created_by?: string; comment?: string; empty_layer?: boolean }[];
  [key: string]: unknown;
}

export interface AppendedLayer {
  digest: string;
  diffId: string;
  bytes: number;
  kind: string;
}

export interface Additions {
  layers: AppendedLayer[];
  env: Record<string, string>;
  labels: Record<string, string>;
}

const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** The config of the new image. Its dates stay the base's: a date of its own would make every build another digest. */
export function appendedConfig(base: ImageConfig, { layers, env, labels }: Additions): ImageConfig {
  const added = layers.map(({ kind }) => ({
    ...(base.created === undefined ? {} : { created: base.created }),
    created_by: `gantry deploy: ${kind}`,
  }));
  return {
    ...base,
    config: {
      ...base.config,
      Env: mergedEnv(base.config?.Env ?? [], env),
      Labels: { ...base.config?.Labels, ...sorted(labels) },
    },
    rootfs: { ...base.rootfs, diff_ids: [...base.rootfs.diff_ids, ...layers.map(({ diffId }) => diffId)] },
    history: [...(base.history ?? []), ...added],
  };
}

/** The manifest of the new image, in the base's own format (Docker's or OCI's): some nodes refuse a mixture. */
export function appendedManifest(
  base: ImageManifest,
  baseMediaType: string,
  config: { digest: string; size: number },
  layers: AppendedLayer[],
): ImageManifest & { mediaType: string } {
  const isDocker = baseMediaType === DOCKER_MANIFEST;
  const layerType = isDocker
    ? "application/vnd.docker.image.rootfs.diff.tar.gzip"
    : "application/vnd.oci.image.layer.v1.tar+gzip";
  return {
    schemaVersion: 2,
    mediaType: isDocker ? DOCKER_MANIFEST : OCI_MANIFEST,
    config: { mediaType: base.config.mediaType, digest: config.digest, size: config.size },
    layers: [...base.layers, ...layers.map(({ digest, bytes }) => ({ mediaType: layerType, digest, size: bytes }))],
  };
}

/** An index over one image for each platform. */
export function indexOf(
  images: { mediaType: string; digest: string; size: number; platform: string }[],
): ImageIndex & { mediaType: string } {
  const isDocker = images.every(({ mediaType }) => mediaType === DOCKER_MANIFEST);
  return {
    schemaVersion: 2,
    mediaType: isDocker
      ? "application/vnd.docker.distribution.manifest.list.v2+json"
      : "application/vnd.oci.image.index.v1+json",
    manifests: images.map(({ platform, ...descriptor }) => {
      const [os = "", architecture = ""] = platform.split("/");
      return { ...descriptor, platform: { os, architecture } };
    }),
  };
}

export function platformOf({ os, architecture }: { os: string; architecture: string }): string {
  return `${os}/${architecture}`;
}

function mergedEnv(base: string[], added: Record<string, string>): string[] {
  const kept = base.filter((entry) => !Object.hasOwn(added, entry.split("=", 1)[0] ?? ""));
  return [...kept, ...Object.entries(sorted(added)).map(([name, value]) => `${name}=${value}`)];
}

function sorted(record: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
