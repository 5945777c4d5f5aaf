import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { dockerfile, type ImagePlatform, type Layer } from "@gantry/sdk/contract";
import Docker from "dockerode";
import { pack } from "tar-stream";
import type { BuildProgress, ImageBuilder, ImageRequest, LayerStore } from "../../deployments/image-builder.ts";
import { parseImageReference } from "../../deployments/image-reference-ref.ts";
import { AppError } from "../../errors.ts";
import { meaningOfPull, meaningOfPush } from "./docker-failure-policy.ts";

type Credentials = { username: string; password: string } | { token: string };

export interface DockerBuilderOptions {
  /** `tcp://host:2376`, or `unix:///var/run/docker.sock`. */
  host: string;
  /** With them `tcp` is TLS. */
  tls: { ca: Buffer; cert: Buffer; key: Buffer } | undefined;
  /** Where the uploaded layers are. */
  registry: LayerStore;
  /** That registry as the Engine reaches it. */
  registryHost: string;
  credentials: Credentials | undefined;
  /** Of other registries that base images come from. */
  otherCredentials: readonly { registry: string; username: string; password: string }[];
}

interface EngineMessage {
  stream?: string;
  status?: string;
  error?: string;
  aux?: { Digest?: string; ID?: string };
}

/**
 * Builds with a Docker Engine, for versions whose image must run something: FROM the base, the instructions, the layers.
 * One platform an image. Built images stay in the Engine, under names of their content: they are its cache, and the same
 * request makes the same digest from it. `docker image prune --filter label=dev.gantry.project` clears it.
 */
export class DockerBuilder implements ImageBuilder {
  readonly name = "docker";
  readonly #options: DockerBuilderOptions;
  readonly #docker: Docker;

  constructor(options: DockerBuilderOptions) {
    this.#options = options;
    this.#docker = new Docker(connectionOf(options));
  }

  async build(request: ImageRequest, progress: BuildProgress, signal: AbortSignal): Promise<{ digest: string }> {
    signal.throwIfAborted();
    const [platform, ...others] = request.platforms as [ImagePlatform, ...ImagePlatform[]];
    if (others.length > 0)
      throw new AppError(
        "NO_IMAGE_BUILDER",
        `The builder docker makes images for one platform, not for ${request.platforms.join(" and ")}.`,
      );
    const layers = request.layers.filter((layer) => layer.platform === undefined || layer.platform === platform);
    const [missing] = await this.#options.registry.missingLayers(
      request.repository,
      layers.map(({ digest }) => digest),
    );
    if (missing !== undefined)
      throw new AppError("LAYER_MISSING", `The registry has no layer ${missing} in ${request.repository}.`, {
        details: { digest: missing },
      });

    progress.step("base", `Base image ${request.baseImage}`);
    await this.#pull(request.baseImage, platform, signal);
    progress.step("build", `Building with Docker at ${this.#options.host}`);
    const repository = `${this.#options.registryHost}/${request.repository}`;
    const tag = `b-${contentOf(request)}`;
    await this.#build(`${repository}:${tag}`, request, layers, platform, progress, signal);
    progress.step("push", `Pushing to ${repository}`);
    return { digest: await this.#push(repository, tag, progress, signal) };
  }

  /** Errors: BASE_IMAGE_NOT_FOUND, WRONG_ARCHITECTURE, REGISTRY_*, BUILD_FAILED where the Engine is away. */
  async #pull(name: string, platform: ImagePlatform, signal: AbortSignal): Promise<void> {
    const parsed = parseImageReference(name);
    if (parsed === undefined) throw new AppError("BASE_IMAGE_NOT_FOUND", `"${name}" is not the name of an image.`);
    const authconfig = this.#authFor(parsed.registry);
    try {
      const options = { platform, abortSignal: signal, ...(authconfig === undefined ? {} : { authconfig }) };
      await this.#follow(await this.#docker.pull(name, options), () => undefined, signal);
    } catch (error) {
      throw this.#failure(error, signal, (message) => new AppError(meaningOfPull(message), `${name}: ${message}`));
    }
    const { Os, Architecture } = await this.#docker.getImage(name).inspect();
    if (`${Os}/${Architecture}` === platform) return;
    throw new AppError("WRONG_ARCHITECTURE", `${name} is made for ${Os}/${Architecture}, not for ${platform}.`, {
      details: { image: name, wanted: platform, has: [`${Os}/${Architecture}`] },
    });
  }

  async #build(
    name: string,
    request: ImageRequest,
    layers: Layer[],
    platform: ImagePlatform,
    progress: BuildProgress,
    signal: AbortSignal,
  ): Promise<void> {
    const context = pack();
    const sending = this.#writeContext(context, request, layers).catch((error: Error) => {
      context.destroy(error);
      throw error;
    });
    sending.catch(() => undefined);
    try {
      const options = { t: name, platform, forcerm: true, abortSignal: signal };
      const output = await this.#docker.buildImage(context as unknown as NodeJS.ReadableStream, options);
      await this.#follow(output, (line) => progress.log(line), signal);
    } catch (error) {
      // Where the context could not be sent, that is why the build failed.
      const [sent] = await Promise.allSettled([Promise.race([sending, Promise.resolve()])]);
      if (sent?.status === "rejected" && sent.reason instanceof AppError) throw sent.reason;
      throw this.#failure(error, signal, (message) => new AppError("BUILD_FAILED", message));
    }
  }

  /** The Dockerfile and the layers, one after another, none kept. */
  async #writeContext(context: ReturnType<typeof pack>, request: ImageRequest, layers: Layer[]): Promise<void> {
    const names = layers.map((_, index) => `layer-${index}.tar.gz`);
    const { baseImage, instructions, env, labels } = request;
    context.entry(
      { name: "Dockerfile", mtime: EPOCH },
      dockerfile({ baseImage, instructions, layerFiles: names, env, labels }),
    );
    for (const [index, layer] of layers.entries()) {
      const content = await this.#options.registry.readLayer(request.repository, layer.digest);
      await new Promise<void>((resolve, reject) => {
        const entry = context.entry(
          { name: names[index] as string, size: layer.bytes, mtime: EPOCH },
          (error?: Error | null) => (error ? reject(error) : resolve()),
        );
        content.on("error", reject);
        content.pipe(entry as unknown as NodeJS.WritableStream);
      });
    }
    context.finalize();
  }

  async #push(repository: string, tag: string, progress: BuildProgress, signal: AbortSignal): Promise<string> {
    let digest: string | undefined;
    try {
      const authconfig = this.#authFor(this.#options.registryHost) ?? {};
      const options = { tag, authconfig, abortSignal: signal };
      const output = await this.#docker.getImage(repository).push(options);
      await this.#follow(
        output,
        () => undefined,
        signal,
        (message) => (digest = message.aux?.Digest ?? digest),
      );
    } catch (error) {
      throw this.#failure(
        error,
        signal,
        (message) => new AppError(meaningOfPush(message), `${repository}: ${message}`),
      );
    }
    if (digest === undefined) throw new AppError("BUILD_FAILED", "Docker pushed the image without saying its digest.");
    progress.log(`Pushed ${digest}`);
    return digest;
  }

  /** Reads a reply of the Engine's to its end. Rejects with what it says went wrong. */
  #follow(
    output: NodeJS.ReadableStream,
    log: (line: string) => void,
    signal: AbortSignal,
    onMessage: (message: EngineMessage) => void = () => undefined,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        (output as Readable).destroy();
        reject(signal.reason);
      };
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      const done = (error: Error | null) => {
        signal.removeEventListener("abort", stop);
        if (error) reject(error);
        else resolve();
      };
      this.#docker.modem.followProgress(output, done, (message: EngineMessage) => {
        onMessage(message);
        const text = (message.stream ?? "").replace(/\n$/, "");
        for (const line of text === "" ? [] : text.split("\n")) log(line);
      });
    });
  }

  #authFor(registry: string): Record<string, string> | undefined {
    const { credentials, registryHost, otherCredentials } = this.#options;
    const serveraddress = registry;
    if (registry === registryHost && credentials !== undefined)
      return "token" in credentials
        ? { registrytoken: credentials.token, serveraddress }
        : { ...credentials, serveraddress };
    const { username, password } = otherCredentials.find((each) => each.registry === registry) ?? {};
    return username === undefined || password === undefined ? undefined : { username, password, serveraddress };
  }

  #failure(error: unknown, signal: AbortSignal, meaning: (message: string) => AppError): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof AppError) return error;
    const { code, message, json } = error as { code?: string; message?: string; json?: { message?: string } };
    if (
      code !== undefined &&
      ["ECONNREFUSED", "ENOENT", "ENOTFOUND", "ETIMEDOUT", "ECONNRESET", "EACCES"].includes(code)
    )
      return new AppError("BUILD_FAILED", `The Docker Engine at ${this.#options.host} cannot be reached: ${message}.`, {
        cause: error,
      });
    return meaning(json?.message ?? message ?? String(error));
  }
}

const EPOCH = new Date(0);

/** Names what a request makes, so that two builds at once do not take each other's tag. */
function contentOf({ layers, baseImage, instructions, env, labels, platforms }: ImageRequest): string {
  const parts = [layers.map(({ digest }) => digest), baseImage, instructions, env, labels, platforms];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

function connectionOf({ host, tls }: DockerBuilderOptions): Docker.DockerOptions {
  if (host.startsWith("unix://")) return { socketPath: host.slice("unix://".length) };
  const url = new URL(host);
  const isTls = tls !== undefined || url.protocol === "https:";
  return {
    protocol: isTls ? "https" : "http",
    host: url.hostname,
    port: Number(url.port || (isTls ? 2376 : 2375)),
    ...tls,
  };
}
