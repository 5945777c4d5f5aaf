import {
  type DeployTarget,
  IMAGE_LAYOUT,
  type ImagePlatform,
  type PushAccess,
  tasksThatStoreProcesses,
  WORKER_POD_ENV,
} from "@gantry/sdk/contract";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { DeployLocks } from "./deploy-locks.ts";
import type { BuildRequest, DeployProgress, DeployService } from "./deploy-service.ts";
import type { DeploymentInfo, DeploymentService } from "./deployment-service.ts";
import type { ImageBuilder, ImageRegistry, LayerStore } from "./image-builder.ts";
import { imageRepository } from "./image-repository-ref.ts";
import { pruneImages } from "./prune-images.ts";

/** The installation's registry and what builds for it. */
export interface ImageServices {
  registry: ImageRegistry;
  layers: LayerStore;
  /** The default first. */
  builders: readonly ImageBuilder[];
  /** Before every repository's name. */
  repositoryPrefix: string;
  /** Where people's machines push with `--local-build`, `host[:port]`; undefined where they may not. */
  publicRegistry?: string | undefined;
  maxLayerBytes: number;
  /** How many of the latest versions keep their images. */
  keepVersions: number;
}

export interface DeploysDeps {
  deployments: DeploymentService;
  locks: DeployLocks;
  clock: Clock;
  executor: DeployTarget["executor"];
  /** What workers are made from. */
  workerImage: string;
  /** And those that may store their task's process; undefined where that is off. */
  checkpointWorkerImage?: string | undefined;
  platforms: readonly ImagePlatform[];
  /** Undefined where no registry is set: versions cannot be images then. */
  images?: ImageServices | undefined;
}

/** How long a deploy waits for another of its environment. */
const MAX_WAIT_MS = 15 * 60_000;
const PRUNE_WAIT_MS = 5_000;

/** See DeployService. */
export function createDeployService(deps: DeploysDeps): DeployService {
  const { images, executor, workerImage, checkpointWorkerImage, platforms } = deps;
  const repositoryOf = (environment: EnvironmentRef) =>
    imageRepository(images?.repositoryPrefix ?? "gantry", environment);
  return {
    target: (environment) => ({
      executor,
      builders: images?.builders.map(({ name }) => name) ?? [],
      platforms: [...platforms],
      baseImage: workerImage,
      ...(checkpointWorkerImage === undefined ? {} : { checkpointBaseImage: checkpointWorkerImage }),
      repository: repositoryOf(environment),
      maxLayerBytes: images?.maxLayerBytes ?? 0,
    }),
    missingLayers: async (environment, digests) =>
      demandImages(images).layers.missingLayers(repositoryOf(environment), digests),
    storeLayer: async (environment, layer, content) =>
      demandImages(images).layers.storeLayer(repositoryOf(environment), layer, content),
    check: (request) => void chooseBuilder(demandImages(images), request, platforms),
    build: (environment, request, progress, signal) => {
      const builder = chooseBuilder(demandImages(images), request, platforms);
      const build = { ...deps, images: demandImages(images), builder, repository: repositoryOf(environment) };
      return buildInTurn(build, environment, request, progress, signal);
    },
    async verifySource(environment, source) {
      const wanted = executor === "kubernetes" ? "image" : "local";
      if (executor !== "none" && source.kind !== wanted)
        throw new AppError("UNSUPPORTED_OPTION", `This platform runs versions from ${SOURCES[wanted]} only.`, {
          details: { option: "source.kind", executor },
        });
      if (source.kind !== "image") return;
      if (source.repository !== repositoryOf(environment))
        throw new AppError("IMAGE_NOT_FOUND", `The environment's repository is ${repositoryOf(environment)}.`, {
          details: { repository: source.repository },
        });
      await verifyImage(demandImages(images).registry, source.repository, source.digest, platforms);
    },
    pushAccess: (environment) => accessToPush(images, repositoryOf(environment)),
    async prune(environment) {
      if (images === undefined) return { versions: [] };
      // Not while a deploy may be about to use an image again.
      const inTime = AbortSignal.timeout(PRUNE_WAIT_MS);
      const lock = await deps.locks
        .acquire(environment.id, "clean-up of images", () => undefined, inTime)
        .catch((error) => {
          if (!inTime.aborted) throw error;
          throw new AppError("DEPLOY_IN_PROGRESS", "A deploy of this environment goes on.", { retryAfterSeconds: 10 });
        });
      try {
        return { versions: await pruneImages({ ...deps, ...images }, environment) };
      } finally {
        await lock.release();
      }
    },
  };
}

const SOURCES = { image: "images", local: "folders of its own machine" } as const;

interface Build extends DeploysDeps {
  images: ImageServices;
  builder: ImageBuilder;
  repository: string;
}

async function buildInTurn(
  build: Build,
  environment: EnvironmentRef,
  request: BuildRequest,
  progress: DeployProgress,
  signal: AbortSignal,
): Promise<{ deployment: DeploymentInfo; isNew: boolean; platformMs: number }> {
  const { locks, clock } = build;
  const begun = new Date(clock.now()).toISOString().slice(11, 19);
  const who = `${request.contentHash.slice(0, 12)}, begun ${begun} UTC`;
  const onWait = (other: string) => progress.step("wait", `Waiting for another deploy of this environment (${other})`);
  const lateness = AbortSignal.timeout(MAX_WAIT_MS);
  const lock = await locks
    .acquire(environment.id, who, onWait, AbortSignal.any([signal, lateness]))
    .catch((error: unknown) => {
      if (!lateness.aborted || signal.aborted) throw error;
      throw new AppError("DEPLOY_IN_PROGRESS", "Another deploy of this environment has gone on for 15 minutes.");
    });
  const startedAt = clock.now();
  try {
    const outcome = await buildAlone(build, environment, request, progress, AbortSignal.any([signal, lock.lost]));
    return { ...outcome, platformMs: clock.now() - startedAt };
  } finally {
    await lock.release();
  }
}

/** One after another, each only where the one before it succeeded; the last one alone changes what serves. */
async function buildAlone(
  { deployments, images, builder, repository, workerImage, checkpointWorkerImage = workerImage }: Build,
  environment: EnvironmentRef,
  request: BuildRequest,
  progress: DeployProgress,
  signal: AbortSignal,
): Promise<{ deployment: DeploymentInfo; isNew: boolean }> {
  const { registry } = images;
  const before = await deployments.current(environment);
  if (before !== undefined && (await isServedBy(registry, before, request)))
    return { deployment: before, isNew: false };
  signal.throwIfAborted();
  const base = tasksThatStoreProcesses(request.manifest).length > 0 ? checkpointWorkerImage : workerImage;
  const { digest } = await builder.build(
    {
      repository,
      layers: inOrder(request.layers),
      platforms: request.platforms,
      baseImage: request.baseImage ?? base,
      instructions: request.instructions,
      env: {
        [WORKER_POD_ENV.bundleDir]: IMAGE_LAYOUT.bundleDir,
        [WORKER_POD_ENV.bundleEntry]: request.manifest.entry,
        ...(request.manifest.mayWait === false ? { [WORKER_POD_ENV.watches]: "false" } : {}),
      },
      labels: { "dev.gantry.project": environment.projectRef, "dev.gantry.environment": environment.slug },
    },
    progress,
    signal,
  );
  progress.step("verify", `Verifying ${repository}@${digest}`);
  await verifyImage(registry, repository, digest, request.platforms);
  signal.throwIfAborted();
  progress.step("register", `Registering ${request.manifest.tasks.length} tasks`);
  const { manifest, contentHash, promote } = request;
  const source = { kind: "image" as const, repository, digest };
  const deployment = await deployments.register(environment, { manifest, source, promote, contentHash });
  if (promote) progress.step("promote", `Version ${deployment.version} is current`);
  return { deployment, isNew: deployment.id !== before?.id };
}

const KINDS = ["externals", "files", "bundle"];

/** What seldom changes lies at the bottom, so that nodes need not pull it again. */
function inOrder(layers: BuildRequest["layers"]): BuildRequest["layers"] {
  return layers.toSorted((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
}

/** The same code as the current version's, and nodes can pull it. */
async function isServedBy(registry: ImageRegistry, current: DeploymentInfo, request: BuildRequest): Promise<boolean> {
  const { source, contentHash } = current;
  if (contentHash !== request.contentHash || source.kind !== "image") return false;
  return (await registry.imagePlatforms(source.repository, source.digest)) !== undefined;
}

/** Errors: IMAGE_NOT_FOUND, WRONG_ARCHITECTURE. */
async function verifyImage(
  registry: ImageRegistry,
  repository: string,
  digest: string,
  wanted: readonly ImagePlatform[],
): Promise<void> {
  const has = await registry.imagePlatforms(repository, digest);
  if (has === undefined)
    throw new AppError("IMAGE_NOT_FOUND", `The registry has no ${repository}@${digest}.`, {
      details: { repository, digest },
    });
  const lacking = wanted.filter((platform) => !has.includes(platform));
  if (lacking.length === 0) return;
  throw new AppError(
    "WRONG_ARCHITECTURE",
    `The image is made for ${has.join(" and ")}, not for ${lacking.join(" and ")}.`,
    {
      details: { wanted, has },
    },
  );
}

async function accessToPush(images: ImageServices | undefined, repository: string): Promise<PushAccess> {
  const { registry, publicRegistry } = demandImages(images);
  if (publicRegistry === undefined)
    throw new AppError(
      "NO_IMAGE_BUILDER",
      "Images may not be pushed from other machines: GANTRY_PLATFORM_REGISTRY_PUBLIC_URL is not set.",
    );
  const token = await registry.pushToken(repository);
  return { registry: publicRegistry, repository, ...(token === undefined ? {} : { token }) };
}

function chooseBuilder(
  images: ImageServices,
  request: BuildRequest,
  platforms: readonly ImagePlatform[],
): ImageBuilder {
  const lacking = platforms.filter((platform) => !request.platforms.includes(platform));
  if (lacking.length > 0)
    throw new AppError(
      "WRONG_ARCHITECTURE",
      `The cluster needs images for ${platforms.join(" and ")}; ${lacking.join(" and ")} is missing.`,
    );
  const named = request.builder ?? (request.instructions.length > 0 ? "docker" : images.builders[0]?.name);
  const builder = images.builders.find(({ name }) => name === named);
  if (builder === undefined) {
    const why = request.builder === undefined ? "Build extensions that run something need" : "The deploy asks for";
    throw new AppError("NO_IMAGE_BUILDER", `${why} the builder ${named}, which this platform does not have.`, {
      details: { builder: named, builders: images.builders.map(({ name }) => name) },
    });
  }
  if (builder.name === "oci-registry" && request.instructions.length > 0)
    throw new AppError("NO_IMAGE_BUILDER", "The builder oci-registry runs no instructions; docker does.");
  return builder;
}

function demandImages(images: ImageServices | undefined): ImageServices {
  if (images !== undefined) return images;
  throw new AppError("NO_IMAGE_BUILDER", "This platform has no image registry.");
}
