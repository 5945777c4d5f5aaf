import type { Readable } from "node:stream";
import type { ImagePlatform, Layer } from "@gantry/sdk/contract";
import type {
  BuildProgress,
  ImageBuilder,
  ImageRegistry,
  ImageRequest,
  LayerStore,
} from "../../deployments/image-builder.ts";
import { registryUrl } from "../../deployments/image-reference-ref.ts";
import { AppError } from "../../errors.ts";
import {
  appendedConfig,
  appendedManifest,
  type Descriptor,
  type ImageConfig,
  type ImageIndex,
  type ImageManifest,
  indexOf,
  platformOf,
} from "./appended-image-manifest.ts";
import { type BaseImage, findBaseImages, indexPlatforms, isIndex } from "./base-image.ts";
import { inspectLayer, type LayerLimits } from "./layer-inspection.ts";
import { digestOf, RegistryClient } from "./registry-client.ts";
import { RegistryConnection, type RegistryConnectionOptions } from "./registry-connection.ts";

export interface OciRegistryOptions extends RegistryConnectionOptions {
  /** Other hosts that name this same registry, as nodes and people do; a base image there is mounted, not copied. */
  aliases?: string[];
  /** For base images of one other registry, by its host. No other host gets to see them, whatever a deploy names. */
  baseCredentials?: { registry: string; username: string; password: string } | undefined;
  limits: LayerLimits;
}

/** Layers sent at once from a base image's registry to ours. */
const COPIES_AT_ONCE = 3;

/** A registry over its HTTP API: it takes layers in, appends them to a base image, and says what it has. No Docker. */
export class OciRegistry implements ImageBuilder, LayerStore, ImageRegistry {
  readonly name = "oci-registry";
  readonly #options: OciRegistryOptions;
  readonly #client: RegistryClient;
  readonly #others = new Map<string, RegistryClient>();
  /** Layers this process has seen pass: what they are by their content. */
  readonly #diffIds = new Map<string, string>();

  constructor(options: OciRegistryOptions) {
    this.#options = options;
    this.#client = new RegistryClient(new RegistryConnection(options));
  }

  async close(): Promise<void> {
    await Promise.all([this.#client, ...this.#others.values()].map((client) => client.connection.close()));
  }

  async missingLayers(repository: string, digests: string[]): Promise<string[]> {
    const sizes = await Promise.all(digests.map((digest) => this.#client.blobSize(repository, digest)));
    return digests.filter((_, index) => sizes[index] === undefined);
  }

  async storeLayer(repository: string, layer: { digest: string; bytes: number }, content: Readable): Promise<void> {
    const { limits } = this.#options;
    if (layer.bytes > limits.maxBytes) {
      throw new AppError("LAYER_TOO_LARGE", `The layer has ${layer.bytes} bytes; ${limits.maxBytes} are allowed.`, {
        details: { digest: layer.digest, bytes: layer.bytes, limitBytes: limits.maxBytes },
      });
    }
    const { through, verified } = inspectLayer(layer, limits);
    content
      .on("error", (error) => through.destroy(error))
      .on("close", () => {
        if (!content.readableEnded) through.destroy(new AppError("BAD_REQUEST", "The layer's upload was cut off."));
      });
    const upload = this.#client.putBlob(repository, layer, content.pipe(through), verified);
    // A bad layer breaks its upload: what was wrong with it is the better message.
    const [checked, sent] = await Promise.allSettled([verified, upload]);
    if (checked.status === "rejected") throw checked.reason;
    if (sent.status === "rejected") throw sent.reason;
    this.#remember(layer.digest, checked.value.diffId);
  }

  async readLayer(repository: string, digest: string): Promise<Readable> {
    const content = await this.#client.blob(repository, digest);
    if (content === undefined) throw layerMissing(digest, repository);
    return content;
  }

  async build(request: ImageRequest, progress: BuildProgress, signal: AbortSignal): Promise<{ digest: string }> {
    if (request.instructions.length > 0) {
      throw new AppError("NO_IMAGE_BUILDER", "Dockerfile instructions need the builder docker.", {
        details: { builder: this.name },
      });
    }
    progress.step("base", `Base image ${request.baseImage}`);
    const [bases, sizes] = await Promise.all([
      findBaseImages(request.baseImage, request.platforms, (url) => this.#clientFor(url), signal),
      this.#layerSizes(request.repository, request.layers, signal),
    ]);
    progress.step("build", `Appending ${request.layers.length} ${request.layers.length === 1 ? "layer" : "layers"}`);
    const images = bases.map((base) => appendTo(base, request, sizes));
    const target = images.length === 1 ? (images[0] as BuiltImage) : indexImage(images);
    if (await this.#client.hasManifest(request.repository, target.digest)) {
      progress.step("push", "The registry has this image already");
      return { digest: target.digest };
    }
    progress.step("push", `Pushing to ${this.#client.host}/${request.repository}`);
    for (const image of images) await this.#push(request.repository, image, progress, signal);
    if (target.base === undefined) await this.#client.putManifest(request.repository, target.digest, target, signal);
    // A tag keeps it from registries that remove what has none. Where tags may not be moved, the same one is there already.
    await this.#client.putManifest(request.repository, `v-${target.digest.slice(7, 39)}`, target, signal);
    return { digest: target.digest };
  }

  async imagePlatforms(repository: string, digest: string): Promise<string[] | undefined> {
    const found = await this.#client.manifest(repository, digest);
    if (found === undefined) return undefined;
    const manifest = JSON.parse(found.bytes.toString("utf8")) as ImageManifest & ImageIndex;
    if (isIndex(found.mediaType)) return indexPlatforms(manifest.manifests);
    const config = await this.#client.smallBlob(repository, manifest.config.digest);
    return config === undefined ? undefined : [platformOf(JSON.parse(config.toString("utf8")) as ImageConfig)];
  }

  async deleteImage(repository: string, digest: string): Promise<boolean> {
    return this.#client.deleteManifest(repository, digest);
  }

  async pushToken(repository: string): Promise<string | undefined> {
    await this.#client.ping();
    const { auth } = this.#client.connection;
    return auth.asksForTokens ? auth.token(`repository:${repository}:pull,push`) : undefined;
  }

  /** What the registry says that the layers weigh: a manifest with wrong sizes is refused by nodes, far too late. */
  async #layerSizes(repository: string, layers: Layer[], signal: AbortSignal): Promise<Map<string, number>> {
    const sizes = await Promise.all(layers.map(({ digest }) => this.#client.blobSize(repository, digest, signal)));
    return new Map(
      layers.map((layer, index) => {
        const size = sizes[index];
        if (size === undefined) throw layerMissing(layer.digest, repository);
        const known = this.#diffIds.get(layer.digest);
        if (known !== undefined && known !== layer.diffId)
          throw new AppError("LAYER_INVALID", `The layer ${layer.digest} holds ${known}, not ${layer.diffId}.`);
        return [layer.digest, size];
      }),
    );
  }

  async #push(repository: string, image: BuiltImage, progress: BuildProgress, signal: AbortSignal): Promise<void> {
    const { base, config } = image;
    if (base === undefined) return;
    const pending = base.manifest.layers.map((layer) => () => this.#provide(repository, base, layer, progress, signal));
    const workers = Array.from({ length: COPIES_AT_ONCE }, async () => {
      for (let next = pending.shift(); next !== undefined; next = pending.shift()) await next();
    });
    await Promise.all([...workers, this.#client.putSmallBlob(repository, config, signal)]);
    await this.#client.putManifest(repository, image.digest, image, signal);
  }

  /** A base layer into the repository: there already, mounted, or copied once. */
  async #provide(
    repository: string,
    base: BaseImage,
    layer: Descriptor,
    progress: BuildProgress,
    signal: AbortSignal,
  ): Promise<void> {
    if ((await this.#client.blobSize(repository, layer.digest, signal)) !== undefined) return;
    const isHere = base.from === this.#client;
    if (isHere && (await this.#client.mountBlob(repository, layer.digest, base.repository, signal))) return;
    progress.log(`Copying ${layer.digest.slice(0, 19)}… of the base image (${Math.ceil(layer.size / 1e6)} MB)`);
    const content = await base.from.blob(base.repository, layer.digest, signal);
    if (content === undefined)
      throw new AppError(
        "BASE_IMAGE_NOT_FOUND",
        `The registry ${base.from.host} lacks ${layer.digest} of the base image.`,
      );
    const blob = { digest: layer.digest, bytes: layer.size };
    await this.#client.putBlob(repository, blob, content, Promise.resolve(), signal);
  }

  #clientFor(url: string): RegistryClient {
    const { host } = new URL(url);
    if (host === this.#client.host || this.#options.aliases?.includes(host)) return this.#client;
    const known = this.#others.get(url);
    if (known !== undefined) return known;
    const { baseCredentials, timeoutMs, backoffMs } = this.#options;
    const isOperators = baseCredentials !== undefined && registryUrl(baseCredentials.registry) === url;
    const client = new RegistryClient(
      new RegistryConnection({
        url,
        isForeign: !isOperators,
        credentials: isOperators ? baseCredentials : undefined,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(backoffMs === undefined ? {} : { backoffMs }),
      }),
    );
    this.#others.set(url, client);
    return client;
  }

  #remember(digest: string, diffId: string): void {
    this.#diffIds.set(digest, diffId);
    const [oldest] = this.#diffIds.keys();
    if (this.#diffIds.size > 10_000 && oldest !== undefined) this.#diffIds.delete(oldest);
  }
}

interface BuiltImage {
  /** Undefined for an index. */
  base: BaseImage | undefined;
  config: Buffer;
  mediaType: string;
  bytes: Buffer;
  digest: string;
}

function appendTo(base: BaseImage, request: ImageRequest, sizes: ReadonlyMap<string, number>): BuiltImage {
  const layers = request.layers
    .filter(({ platform }) => platform === undefined || platform === base.platform)
    .map((layer) => ({ ...layer, bytes: sizes.get(layer.digest) ?? layer.bytes }));
  const config = bytesOf(appendedConfig(base.config, { layers, env: request.env, labels: request.labels }));
  const described = { digest: digestOf(config), size: config.length };
  const manifest = appendedManifest(base.manifest, base.mediaType, described, layers);
  const bytes = bytesOf(manifest);
  return { base, config, mediaType: manifest.mediaType, bytes, digest: digestOf(bytes) };
}

function indexImage(images: BuiltImage[]): BuiltImage {
  const index = indexOf(
    images.map(({ mediaType, digest, bytes, base }) => ({
      mediaType,
      digest,
      size: bytes.length,
      platform: base?.platform as ImagePlatform,
    })),
  );
  const bytes = bytesOf(index);
  return { base: undefined, config: Buffer.alloc(0), mediaType: index.mediaType, bytes, digest: digestOf(bytes) };
}

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function layerMissing(digest: string, repository: string): AppError {
  return new AppError("LAYER_MISSING", `The registry has no layer ${digest} in ${repository}.`, {
    details: { digest },
  });
}
