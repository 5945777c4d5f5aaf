import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import type { ImagePlatform, Layer } from "@gantry/sdk/contract";
import { pack } from "tar-stream";
import { digestOf, MEDIA, RegistryClient } from "../../src/adapters/oci-registry/registry-client.ts";
import { RegistryConnection } from "../../src/adapters/oci-registry/registry-connection.ts";
import type { TestRegistry } from "./docker-registry.ts";

export interface TarEntry {
  name: string;
  content?: string | Buffer;
  type?: "file" | "directory" | "symlink" | "link" | "character-device";
  linkname?: string;
  mode?: number;
}

/** A reproducible tar. */
export async function tarOf(entries: TarEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content = "", ...header } of entries)
    tar.entry({ type: "file", mtime: new Date(0), ...header } as never, content as never);
  tar.finalize();
  return buffer(tar as unknown as Readable);
}

export interface TestLayer extends Layer {
  content: Buffer;
}

export async function layerOf(entries: TarEntry[], kind: Layer["kind"] = "bundle"): Promise<TestLayer> {
  const tar = await tarOf(entries);
  const content = gzipSync(tar);
  return { digest: digestOf(content), diffId: digestOf(tar), bytes: content.length, kind, content };
}

export function clientOf({ url, credentials }: TestRegistry): RegistryClient {
  return new RegistryClient(new RegistryConnection({ url, credentials, backoffMs: 5 }));
}

export interface BaseOptions {
  platforms?: ImagePlatform[];
  format?: "oci" | "docker";
  /** What its one layer holds, beside a word for the platform. */
  files?: TarEntry[];
}

/** Pushes a tiny base image: an index where it is for several platforms. Returns its name with the registry's host. */
export async function pushBase(registry: TestRegistry, repository: string, options: BaseOptions = {}): Promise<string> {
  const { platforms = ["linux/amd64"], format = "oci", files = [] } = options;
  const client = clientOf(registry);
  const images = [];
  for (const platform of platforms)
    images.push({ platform, ...(await pushImage(client, repository, platform, format, files)) });
  if (images.length === 1) {
    await client.putManifest(repository, "1", images[0] as { mediaType: string; bytes: Buffer });
  } else {
    const mediaType = format === "oci" ? MEDIA.ociIndex : MEDIA.dockerList;
    const manifests = images.map(({ platform, bytes, mediaType: type }) => ({
      mediaType: type,
      digest: digestOf(bytes),
      size: bytes.length,
      platform: {
        os: "linux",
        architecture: platform.split("/")[1],
      },
    }));
    await client.putManifest(repository, "1", { mediaType, bytes: json({ schemaVersion: 2, mediaType, manifests }) });
  }
  await client.connection.close();
  return `${registry.host}/${repository}:1`;
}

async function pushImage(
  client: RegistryClient,
  repository: string,
  platform: string,
  format: "oci" | "docker",
  files: TarEntry[],
) {
  const isOci = format === "oci";
  const layer = await layerOf([{ name: "etc/platform", content: platform }, ...files]);
  const config = json({
    architecture: platform.split("/")[1],
    os: "linux",
    created: "2030-01-01T00:00:00Z",
    config: {
      Env: ["PATH=/bin", "KEPT=1"],
      Labels: { base: "yes" },
      User: "1000",
    },
    rootfs: {
      type: "layers",
      diff_ids: [layer.diffId],
    },
    history: [{ created_by: "base" }],
  });
  await client.putBlob(repository, layer, Readable.from([layer.content]), Promise.resolve());
  await client.putSmallBlob(repository, config);
  const mediaType = isOci ? MEDIA.ociManifest : MEDIA.dockerManifest;
  const bytes = json({
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: isOci ? "application/vnd.oci.image.config.v1+json" : "application/vnd.docker.container.image.v1+json",
      digest: digestOf(config),
      size: config.length,
    },
    layers: [
      {
        mediaType: isOci
          ? "application/vnd.oci.image.layer.v1.tar+gzip"
          : "application/vnd.docker.image.rootfs.diff.tar.gzip",
        digest: layer.digest,
        size: layer.bytes,
      },
    ],
  });
  await client.putManifest(repository, digestOf(bytes), { mediaType, bytes });
  return { mediaType, bytes };
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export const sha256 = (text: string | Buffer): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
