import type { ApiClient } from "../../client/api-client.ts";
import { ApiError, NotFoundError } from "../../client/api-error.ts";
import { DeployClient } from "../../client/deploy-client.ts";
import type {
  BuildDeploymentBody,
  DeploymentDetail,
  DeployTarget,
  PushAccess,
  WhoamiReply,
} from "../../contract/api/index.ts";
import { IMAGE_LAYOUT } from "../../contract/image-layout.ts";
import { tasksThatStoreProcesses } from "../../contract/manifest.ts";
import { WORKER_POD_ENV } from "../../contract/worker-endpoint.ts";
import type { ProjectConfig } from "../bundle/config-file.ts";
import { type StartedExtensions, startExtensions } from "../bundle/extensions.ts";
import { bundleForImage } from "../bundle/image-bundle.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { followBuild } from "./build-follower.ts";
import { byteSize } from "./byte-size.ts";
import type { DeployReporter } from "./deploy-reporter.ts";
import { askTarget, chooseBuilder, choosePlatforms } from "./deploy-target.ts";
import { readVariables, uploadVariables } from "./deploy-variables.ts";
import type { LayerFile } from "./layer-cache.ts";
import { CONTENTS, checkSizes, layerOf, missingLayers, uploadLayers } from "./layer-upload.ts";
import type { LocalBuild } from "./local-build-request.ts";
import { Stopwatch, type Timings } from "./stopwatch.ts";
import { baseImageOf, contentHashOf, packVersion, type VersionPackage } from "./version-package.ts";

export interface DeployRequest {
  api: ApiClient;
  apiUrl: string;
  config: ProjectConfig;
  env: Record<string, string | undefined>;
  options: {
    promote: boolean;
    dryRun: boolean;
    useCache: boolean;
    builder: string | undefined;
    localBuild: LocalBuild | undefined;
  };
  reporter: DeployReporter;
  signal: AbortSignal;
}

/** What a deploy did, or, where it was dry, would do. */
export interface DeployOutcome {
  apiUrl: string;
  project: string;
  environment: string;
  /** Undefined in a dry run that would make a new one: the platform gives it. */
  id: string | undefined;
  /** In a dry run the version that would be made if nobody else deploys. */
  version: string;
  isNew: boolean;
  isCurrent: boolean;
  dryRun: boolean;
  contentHash: string;
  image: string | null;
  tasks: { id: string; filePath: string }[];
  externals: string[];
  layers: { kind: string; platform?: string; digest: string; bytes: number; isUploaded: boolean }[];
  timings: Timings;
}

/** Everything that is known before anything is sent. */
interface Prepared {
  client: DeployClient;
  target: DeployTarget;
  project: string;
  environment: string;
  version: VersionPackage;
  contentHash: string;
  watch: Stopwatch;
}

/**
 * Bundles, packs, uploads, has the platform build, register and promote. Until the platform's last step the current
 * version serves.
 * Errors: CliErrors of the parts; what the API gives.
 */
export async function deploy(request: DeployRequest): Promise<DeployOutcome> {
  const prepared = await prepare(request);
  return request.options.dryRun ? await rehearse(request, prepared) : await carryOut(request, prepared);
}

async function prepare(request: DeployRequest): Promise<Prepared> {
  const { api, apiUrl, config, env, options, reporter, signal } = request;
  const watch = new Stopwatch();
  const client = new DeployClient(api);
  reporter.working("Bundling");
  const asking = Promise.all([askTarget(client, apiUrl, options.localBuild !== undefined), whoami(api)]);
  const building = watch.time("bundleMs", () => startAndBundle(config, reporter));
  // Whichever fails first is told; the other is not left unheard.
  const [[target, { project, environment }], { bundle, extensions }] = await Promise.all([asking, building]);
  signal.throwIfAborted();
  if (config.configFile !== undefined && config.project !== project) {
    reporter.warning(
      `The key is of the project ${project}; the configuration says ${config.project}. The key decides.`,
    );
  }
  const size = bundle.files.reduce((sum, { contents }) => sum + contents.byteLength, 0);
  reporter.done(`Bundled ${plural(bundle.files.length, "file")}, ${byteSize(size)}`, watch.of("bundleMs"));
  const version = await packVersion({
    config,
    bundle,
    extensions,
    environment,
    env,
    signal,
    watch,
    platforms: choosePlatforms(target, config.build.platforms),
    variables: config.build.extensions.length === 0 ? {} : await readVariables(api, project, environment),
    useCache: options.useCache,
    working: (text) => reporter.working(text),
  });
  tellPackage(version, watch, reporter);
  tellCheckpoints(version, target, config.build.baseImage, reporter);
  checkSizes(version.layers, target);
  const contentHash = contentHashOf(version, target, config.build.baseImage);
  return { client, target, project, environment, version, contentHash, watch };
}

async function startAndBundle(config: ProjectConfig, reporter: DeployReporter) {
  const extensions: StartedExtensions = await startExtensions(config, "deploy", (level, text) => {
    if (level === "warning") reporter.warning(text);
    else if (level === "step") reporter.note(text);
  });
  return { extensions, bundle: await bundleForImage(config, extensions) };
}

/** Errors: NO_ENVIRONMENT where the token is for none. */
async function whoami(api: ApiClient): Promise<{ project: string; environment: string }> {
  const { project, environment } = (await api.whoami()) as WhoamiReply;
  if (project !== undefined && environment !== undefined)
    return { project: project.ref, environment: environment.slug };
  throw new CliError("NO_ENVIRONMENT", "The token names no project and environment to deploy to.", {
    remedy: "Name them: `project` in gantry.config.ts (or --project), and --env.",
  });
}

function tellPackage(
  { manifest, layers, externals }: VersionPackage,
  watch: Stopwatch,
  reporter: DeployReporter,
): void {
  const names = manifest.tasks.map(({ id }) => id);
  const shown = names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");
  reporter.done(`Found ${plural(names.length, "task")}: ${shown}`, watch.of("describeMs"));
  if (externals.length > 0) {
    const isCached = layers.every(({ kind, isCached }) => kind !== "externals" || isCached);
    const text = `Packages beside the bundle: ${externals.join(", ")}${isCached ? " (unchanged)" : ""}`;
    reporter.done(text, watch.of("externalsMs"));
  }
}

/** Tasks that choose what the platform, or their image, may not do: they run, and wait otherwise than they say. */
function tellCheckpoints(
  { manifest }: VersionPackage,
  { executor, checkpointBaseImage }: DeployTarget,
  baseImage: string | undefined,
  reporter: DeployReporter,
): void {
  const ids = tasksThatStoreProcesses(manifest);
  if (ids.length === 0 || executor !== "kubernetes") return;
  const who = ids.length > 3 ? `${ids.slice(0, 3).join(", ")} and ${ids.length - 3} more` : ids.join(", ");
  if (checkpointBaseImage === undefined)
    reporter.warning(
      `${who}: processes are not stored on this platform, so a run that waits is held or replayed. ` +
        "Its operator switches it on with processCheckpoints.enabled (docs/process-checkpoints.md).",
    );
  else if (baseImage !== undefined)
    reporter.warning(
      `${who}: to be stored, a process needs an image made from ${checkpointBaseImage}; this one is made from ${baseImage}.`,
    );
}

async function carryOut(request: DeployRequest, prepared: Prepared): Promise<DeployOutcome> {
  const { api, reporter, signal, options } = request;
  const { client, project, environment, version, watch } = prepared;
  const isLocal = options.localBuild !== undefined;
  const builder = isLocal ? undefined : chooseBuilder(prepared.target, options.builder, version.needs.instructions);
  // Asked before anything is sent: a platform may allow no push.
  const local = options.localBuild && { build: options.localBuild, access: await client.pushAccess() };
  signal.throwIfAborted();
  const sent = await uploadVariables(api, project, environment, version.needs.variables);
  if (sent > 0) reporter.done(`Uploaded ${plural(sent, "variable")} to ${environment}`);
  if (local !== undefined) return await buildHere(request, prepared, local);
  const body: BuildDeploymentBody = {
    manifest: version.manifest,
    contentHash: prepared.contentHash,
    layers: version.layers.map(layerOf),
    platforms: version.platforms,
    ...(builder !== undefined && { builder }),
    ...(request.config.build.baseImage !== undefined && { baseImage: request.config.build.baseImage }),
    instructions: version.needs.instructions,
    promote: options.promote,
  };
  // Once more where the registry lost a layer between the question and the build.
  for (let isSecond = false; ; isSecond = true) {
    try {
      const uploaded = await upload(request, prepared);
      reporter.working("Building the image");
      const done = await watch.time("buildMs", () => followBuild(client.build(body), reporter));
      watch.set("platformMs", done.platformMs);
      return outcomeOf(request, prepared, done.deployment, done.isNew, uploaded);
    } catch (error) {
      if (signal.aborted && watch.of("buildMs") > 0) throw interruptedInBuild(error);
      if (isSecond || codeOf(error) !== "LAYER_MISSING") throw error;
    }
  }
}

function interruptedInBuild(cause: unknown): CliError {
  const message = "Interrupted while the platform built: `gantry deployments list` shows what is in service.";
  return new CliError("INTERRUPTED", message, { exitCode: EXIT.failed, cause });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof CliError || error instanceof ApiError ? error.code : undefined;
}

async function upload({ reporter }: DeployRequest, { client, version, watch }: Prepared): Promise<LayerFile[]> {
  const missing = await watch.time("uploadMs", async () => {
    const found = await missingLayers(client, version.layers);
    await uploadLayers(client, found, reporter);
    return found;
  });
  const bytes = missing.reduce((sum, layer) => sum + layer.bytes, 0);
  const text = `Uploaded ${missing.length} of ${plural(version.layers.length, "layer")}, ${byteSize(bytes)}`;
  reporter.done(missing.length === 0 ? "Every layer is in the registry already" : text, watch.of("uploadMs"));
  return missing;
}

async function buildHere(
  request: DeployRequest,
  prepared: Prepared,
  local: { build: LocalBuild; access: PushAccess },
): Promise<DeployOutcome> {
  const { api, config, env, options, reporter, signal } = request;
  const { target, project, environment, version, contentHash, watch } = prepared;
  const { access } = local;
  reporter.working("Building the image with this machine's Docker");
  const deployment = await watch.time("buildMs", async () => {
    const { digest } = await local.build({
      layers: version.layers,
      platforms: version.platforms,
      baseImage: config.build.baseImage ?? baseImageOf(version, target),
      instructions: version.needs.instructions,
      env: {
        [WORKER_POD_ENV.bundleDir]: IMAGE_LAYOUT.bundleDir,
        [WORKER_POD_ENV.bundleEntry]: version.manifest.entry,
        ...(version.manifest.mayWait === false ? { [WORKER_POD_ENV.watches]: "false" } : {}),
      },
      labels: { "dev.gantry.project": project, "dev.gantry.environment": environment },
      access,
      cliEnv: env,
      log: (line) => reporter.note(line),
      signal,
    });
    reporter.done(`Pushed ${access.repository}@${digest}`);
    const source = { kind: "image" as const, repository: access.repository, digest };
    return api.registerDeployment({ manifest: version.manifest, source, promote: options.promote, contentHash });
  });
  const detail = await api.retrieveDeployment(deployment.id);
  return outcomeOf(request, prepared, { ...detail, imageReference: detail.imageReference }, true, version.layers);
}

type KnownVersion = Pick<DeploymentDetail, "id" | "version" | "isCurrent" | "imageReference">;

function outcomeOf(
  { apiUrl, options }: DeployRequest,
  { project, environment, version, contentHash, watch }: Prepared,
  known: Omit<KnownVersion, "id"> & { id: string | undefined },
  isNew: boolean,
  uploaded: LayerFile[],
): DeployOutcome {
  return {
    apiUrl,
    project,
    environment,
    isNew,
    contentHash,
    dryRun: options.dryRun,
    externals: version.externals,
    id: known.id,
    version: known.version,
    isCurrent: known.isCurrent,
    image: known.imageReference,
    tasks: version.manifest.tasks.map(({ id, filePath }) => ({ id, filePath })),
    layers: version.layers.map((layer) => ({
      kind: layer.kind,
      digest: layer.digest,
      bytes: layer.bytes,
      ...(layer.platform !== undefined && { platform: layer.platform }),
      isUploaded: uploaded.includes(layer),
    })),
    timings: watch.read(),
  };
}

/** A deploy's local half, and what would follow. Nothing is sent. */
async function rehearse(request: DeployRequest, prepared: Prepared): Promise<DeployOutcome> {
  const { api, options, reporter } = request;
  const { client, target, version, contentHash } = prepared;
  if (options.localBuild === undefined) chooseBuilder(target, options.builder, version.needs.instructions);
  const [missing, current, latest] = await Promise.all([
    options.localBuild === undefined ? missingLayers(client, version.layers) : ([] as LayerFile[]),
    orNone(api.retrieveCurrentDeployment()) as Promise<(KnownVersion & { contentHash?: string }) | undefined>,
    orNone(api.listDeployments({ limit: 1 }).then((page) => page.data[0])),
  ]);
  for (const layer of version.layers) {
    const where = missing.includes(layer) ? "would be uploaded" : "is in the registry";
    const platform = layer.platform === undefined ? "" : ` for ${layer.platform}`;
    reporter.note(`${CONTENTS[layer.kind]}${platform}: ${byteSize(layer.bytes)}, ${where}`);
  }
  if (current?.contentHash === contentHash) return outcomeOf(request, prepared, current, false, missing);
  const made = { id: undefined, version: versionAfter(latest?.version, new Date()), isCurrent: options.promote };
  return outcomeOf(request, prepared, { ...made, imageReference: null }, true, missing);
}

/** The platform's own rule: versions of a day (UTC) are counted from 1. */
export function versionAfter(latest: string | undefined, now: Date): string {
  const day = now.toISOString().slice(0, 10).replaceAll("-", "");
  const [latestDay, n] = latest?.split(".") ?? [];
  return latestDay === day ? `${day}.${Number(n) + 1}` : `${day}.1`;
}

async function orNone<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((error: unknown) => {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  });
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
