import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import type { DeployTarget } from "../../contract/api/index.ts";
import { IMAGE_LAYOUT, type ImagePlatform } from "../../contract/image-layout.ts";
import { type Manifest, tasksThatStoreProcesses } from "../../contract/manifest.ts";
import type { ProjectConfig } from "../bundle/config-file.ts";
import { describeBundle } from "../bundle/describe-bundle.ts";
import type { StartedExtensions } from "../bundle/extensions.ts";
import { deployDir, IMAGE_NODE_MAJOR, type ImageBundle } from "../bundle/image-bundle.ts";
import type { ImageNeeds } from "../bundle/image-needs-policy.ts";
import { packageOf } from "../bundle/native-packages.ts";
import { CliError } from "../cli-error.ts";
import { readEnvFiles } from "../connection.ts";
import {
  type ExternalsPlan,
  externalsDir,
  isEmptyPlan,
  isThisMachines,
  planExternals,
  stageExternals,
} from "./externals.ts";
import { LayerCache, type LayerFile } from "./layer-cache.ts";
import type { LayerEntry } from "./layer-tar.ts";
import { folderEntries } from "./staged-packages.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** Everything of a version that is made on this machine. */
export interface VersionPackage {
  manifest: Manifest;
  /** Bottom first. */
  layers: LayerFile[];
  platforms: ImagePlatform[];
  needs: ImageNeeds;
  externals: string[];
}

export interface PackageRequest {
  config: ProjectConfig;
  bundle: ImageBundle;
  extensions: StartedExtensions;
  platforms: ImagePlatform[];
  /** The environment's slug, and what may be read of its variables. */
  environment: string;
  variables: Record<string, string>;
  useCache: boolean;
  env: Record<string, string | undefined>;
  signal: AbortSignal;
  watch: Stopwatch;
  working: (text: string) => void;
}

const BUNDLE_PREFIX = IMAGE_LAYOUT.bundleDir.slice(1);

/**
 * Finds the bundle's tasks by importing it beside the packages it will have, and packs its layers.
 * Errors: those of describeBundle, planExternals and stageExternals; EXTENSION_FAILED.
 */
export async function packVersion(request: PackageRequest): Promise<VersionPackage> {
  const { config, bundle, watch, platforms } = request;
  const dir = deployDir(config.projectDir);
  mkdirSync(dir, { recursive: true });
  const cache = new LayerCache(join(dir, "layers"), { isUsed: request.useCache });
  const runDir = makeRunDir(dir, request);
  try {
    const needs = await completeExtensions(request, runDir);
    const files = folderEntries(runDir, BUNDLE_PREFIX);
    const plan = planExternals(config.projectDir, bundle.outside, needs.packages, config.build.pure);
    const externals = await watch.time("externalsMs", () => stageAll(request, plan, cache));
    writeBundle(bundle, runDir, externals.modules);
    // Packing holds this thread, describing is another process's work.
    const describing = watch.time("describeMs", () => describe(config, bundle, runDir, request.env));
    describing.catch(() => undefined);
    const packed = await watch.time("layersMs", () => packOwn(request, cache, files));
    const manifest = await describing;
    cache.prune();
    const names = Object.entries(plan.versions.dependencies).map(([name, spec]) => `${name} ${spec}`);
    return { manifest, layers: [...externals.layers, ...packed], platforms, needs, externals: names };
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
}

/**
 * In it the bundle is imported. Where the image's packages can be loaded here, outside of the project: nothing is found
 * there that the image will lack. Else in the project, whose own packages stand in.
 */
function makeRunDir(deployDir: string, { platforms, env }: PackageRequest): string {
  const parent = platforms.some(isThisMachines) ? externalsDir(env) : deployDir;
  mkdirSync(parent, { recursive: true });
  // Links on the way would make two names of one place.
  return realpathSync(mkdtempSync(join(parent, "run-")));
}

async function completeExtensions(request: PackageRequest, outputPath: string): Promise<ImageNeeds> {
  const { bundle, environment, extensions, variables } = request;
  const { versions } = planExternals(request.config.projectDir, bundle.outside, {}, []);
  const externals = Object.entries(versions.dependencies).map(([name, version]) => ({ name, version }));
  return await extensions.complete({ contentHash: bundle.hash, environment, outputPath, externals, variables });
}

async function stageAll(request: PackageRequest, plan: ExternalsPlan, cache: LayerCache) {
  const layers: LayerFile[] = [];
  let modules: string | undefined;
  if (isEmptyPlan(plan)) return { layers, modules };
  const { config, env, platforms, signal, useCache } = request;
  for (const platform of platforms) {
    request.working(`Installing packages for ${platform}`);
    const staged = await stageExternals({
      plan,
      platform,
      cache,
      env,
      useCache,
      signal,
      projectDir: config.projectDir,
      dir: externalsDir(env),
    });
    layers.push(staged.layer);
    modules ??= staged.modules;
  }
  return { layers: sameEverywhere(layers), modules };
}

/** Packages without native code give each platform the same layer. */
function sameEverywhere(layers: LayerFile[]): LayerFile[] {
  const [first, ...others] = layers;
  if (first === undefined || others.length === 0 || others.some(({ digest }) => digest !== first.digest)) return layers;
  const { platform: _, ...layer } = first;
  return [layer];
}

/** `modules` undefined: what was installed is not for this machine, and the project's own packages stand in. */
function writeBundle(bundle: ImageBundle, runDir: string, modules: string | undefined): void {
  for (const { name, contents } of bundle.files) {
    mkdirSync(dirname(join(runDir, name)), { recursive: true });
    writeFileSync(join(runDir, name), contents);
  }
  if (modules !== undefined) symlinkSync(modules, join(runDir, "node_modules"), "junction");
}

async function describe(
  config: ProjectConfig,
  { hash, entry, mayWait }: ImageBundle,
  runDir: string,
  env: Record<string, string | undefined>,
): Promise<Manifest> {
  const variables = { ...readEnvFiles(config.projectDir).values, ...env };
  const manifest = await describeBundle(config, { hash, entry, mayWait, dir: runDir }, variables).catch(
    (error: unknown) => {
      throw error instanceof CliError ? withoutRunDir(error, config.projectDir, runDir) : error;
    },
  );
  return { ...manifest, runtime: `node-${IMAGE_NODE_MAJOR}` };
}

/** Stacks name files as in the image, relative to where the bundle is: that is how the project names them. */
function withoutRunDir(error: CliError, projectDir: string, runDir: string): CliError {
  const { code, exitCode, cause } = error;
  const folders = [join(runDir, sep), relative(projectDir, runDir) + sep];
  const message = folders.reduce((text, folder) => text.replaceAll(folder, ""), error.message);
  const remedy = notInImage(message) ?? error.remedy;
  return new CliError(code, message, { ...(remedy !== undefined && { remedy }), exitCode, cause });
}

/** What to do about a package that code looks for by a name that the bundler does not see. */
function notInImage(message: string): string | undefined {
  const [, found] = /Cannot find (?:package|module) '([^'.][^']*)'/.exec(message) ?? [];
  if (found === undefined || found.startsWith("/") || found.startsWith("file:")) return undefined;
  const name = JSON.stringify(packageOf(found));
  return `The image would not have it. Name it in gantry.config.ts: additionalPackages({ packages: [${name}] }), from @gantry/sdk/build.`;
}

async function packOwn({ bundle, signal }: PackageRequest, cache: LayerCache, files: LayerEntry[]) {
  const entries = bundle.files.map(({ name, contents }) => ({
    path: `${BUNDLE_PREFIX}/${name}`,
    isExecutable: false,
    read: () => contents,
  }));
  const bundleLayer = await cache.layer(bundle.hash, { kind: "bundle" }, () => entries, signal);
  if (files.length === 0) return [bundleLayer];
  const contents = await Promise.all(files.map(async (file) => ({ ...file, contents: await file.read() })));
  const read = contents.map((file) => ({ ...file, read: () => file.contents }));
  return [await cache.layer(keyOf(contents), { kind: "files" }, () => read, signal), bundleLayer];
}

function keyOf(files: { path: string; isExecutable: boolean; contents: Uint8Array }[]): string {
  const digest = createHash("sha256");
  for (const { path, isExecutable, contents } of files) {
    digest.update(`${path}\0${isExecutable}\0${contents.byteLength}\0`).update(contents);
  }
  return digest.digest("hex");
}

/** What the version's image is built on, unless the project names another: the platform has one that can store processes. */
export function baseImageOf({ manifest }: Pick<VersionPackage, "manifest">, target: DeployTarget): string {
  const { baseImage, checkpointBaseImage = baseImage } = target;
  return tasksThatStoreProcesses(manifest).length > 0 ? checkpointBaseImage : baseImage;
}

/** Of everything that goes into the version: where it is the current version's, there is nothing new to deploy. */
export function contentHashOf(version: VersionPackage, target: DeployTarget, baseImage: string | undefined): string {
  const layers = version.layers.map(({ kind, platform, diffId }) => [kind, platform ?? "", diffId]);
  const parts = [
    version.manifest,
    layers,
    version.platforms,
    baseImage ?? baseImageOf(version, target),
    version.needs.instructions,
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
