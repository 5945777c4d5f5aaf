import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { IMAGE_LAYOUT, type ImagePlatform } from "../../contract/image-layout.ts";
import type { OutsidePackage } from "../bundle/resolve-plugins.ts";
import { type ExternalVersions, externalVersions, findInstalled } from "./external-versions.ts";
import type { LayerCache, LayerFile } from "./layer-cache.ts";
import { npmInstall } from "./npm-install.ts";
import { checkInstallScripts, folderEntries } from "./staged-packages.ts";

/** The packages of a version that lie beside its bundle. */
export interface ExternalsPlan {
  versions: ExternalVersions;
  pure: string[];
  /** `node_modules/.prisma`: made by a generator in the project, in no registry. */
  generated: string | undefined;
}

/** What the code imports from outside the bundle (`outside`) and what extensions want besides (`packages`, name to version). */
export function planExternals(
  projectDir: string,
  outside: OutsidePackage[],
  packages: Record<string, string>,
  pure: string[],
): ExternalsPlan {
  const imported = outside.filter(({ name }) => !name.startsWith("."));
  const wanted = Object.entries(packages).map(([name, version]) => ({ name, version, ...installedAt(name, version) }));
  const roots = [
    ...imported,
    ...wanted.flatMap(({ name, folder }) => (folder === undefined ? [] : [{ name, folder }])),
  ];
  const versions = externalVersions(roots);
  for (const { name, version, folder } of wanted) if (folder === undefined) versions.dependencies[name] = version;
  return { versions, pure, generated: generatedPrismaClient(outside) };

  function installedAt(name: string, version: string): { folder: string | undefined } {
    const found = findInstalled(name, projectDir);
    return { folder: found?.manifest.version === version ? found.folder : undefined };
  }
}

export function isEmptyPlan({ versions, generated }: ExternalsPlan): boolean {
  return Object.keys(versions.dependencies).length === 0 && generated === undefined;
}

/** Prisma's client, generated into node_modules; newer generators write into the project, where it is bundled. */
function generatedPrismaClient(outside: OutsidePackage[]): string | undefined {
  const client = outside.find(({ name }) => name === "@prisma/client" || name === ".prisma");
  if (client === undefined) return undefined;
  const modules = client.folder.slice(0, client.folder.lastIndexOf("node_modules") + "node_modules".length);
  const generated = join(modules, ".prisma");
  return existsSync(join(generated, "client")) ? generated : undefined;
}

export interface StagedExternals {
  layer: LayerFile;
  /** The installed packages, where they are still there and made for this machine too. */
  modules: string | undefined;
}

interface StagingRequest {
  plan: ExternalsPlan;
  platform: ImagePlatform;
  projectDir: string;
  /** Where installed trees are kept. */
  dir: string;
  cache: LayerCache;
  env: Record<string, string | undefined>;
  useCache: boolean;
  signal: AbortSignal;
}

/** Changes with whatever changes the content of a layer made from one plan. */
const STAGING = 1;

/** Installs the packages for a platform and packs them; from the cache where nothing has changed. */
export async function stageExternals(request: StagingRequest): Promise<StagedExternals> {
  const { plan, platform, dir, cache, signal } = request;
  const key = keyOf(plan, platform);
  const folder = join(dir, key.slice(0, 32));
  if (!request.useCache) rmSync(folder, { recursive: true, force: true });
  const entries = async () => {
    await install(folder, request);
    return folderEntries(join(folder, "node_modules"), IMAGE_LAYOUT.modulesDir.slice(1));
  };
  const layer = await cache.layer(key, { kind: "externals", platform }, entries, signal);
  // The layer may be there without the tree: it was made where its packages cannot be loaded, or the tree was removed.
  if (isThisMachines(platform)) await install(folder, request);
  else rmSync(folder, { recursive: true, force: true });
  keepNewest(dir);
  return { layer, modules: isThisMachines(platform) ? join(folder, "node_modules") : undefined };
}

/** Whether what is installed for the platform can be loaded here. */
export function isThisMachines(platform: ImagePlatform): boolean {
  // Else the report looks up the name of every open connection's other end.
  Object.assign(process.report, { excludeNetwork: true });
  const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
  const own = { x64: "linux/amd64", arm64: "linux/arm64" }[process.arch as string];
  return process.platform === "linux" && own === platform && glibcVersionRuntime !== undefined;
}

/** A folder under its final name is whole: it is filled under another and moved. */
async function install(folder: string, { plan, platform, projectDir, env, signal }: StagingRequest): Promise<void> {
  if (existsSync(folder)) {
    utimesSync(folder, new Date(), new Date());
    return;
  }
  mkdirSync(dirname(folder), { recursive: true });
  const draft = mkdtempSync(`${folder}.draft-`);
  try {
    mkdirSync(join(draft, "node_modules"));
    if (Object.keys(plan.versions.dependencies).length > 0) {
      await npmInstall({ folder: draft, versions: plan.versions, platform, projectDir, env, signal });
    }
    checkInstallScripts(join(draft, "node_modules"), platform, plan.pure);
    if (plan.generated !== undefined) copyGenerated(plan.generated, join(draft, "node_modules/.prisma"));
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** Without engines of the machine it was generated on; Prisma's own client needs none. */
function copyGenerated(from: string, to: string): void {
  cpSync(from, to, { recursive: true, dereference: true, filter: (file) => !file.endsWith(".node") });
}

function keyOf({ versions, pure, generated }: ExternalsPlan, platform: ImagePlatform): string {
  const digest = createHash("sha256").update(JSON.stringify([STAGING, platform, versions, pure]));
  if (generated !== undefined) {
    for (const { name, file } of filesOf(generated)) digest.update(name).update("\0").update(readFileSync(file));
  }
  return digest.digest("hex");
}

function filesOf(folder: string): { name: string; file: string }[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => ({ name, file: join(folder, name) }))
    .filter(({ file }) => statSync(file).isFile());
}

const HOUR_MS = 3_600_000;

/** Installed trees are large; those used last are enough, and those that another deploy may be using. */
function keepNewest(dir: string, kept = 6): void {
  const trees = readdirSync(dir).map((name) => ({
    name,
    at: statSync(join(dir, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now(),
  }));
  trees.sort((a, b) => b.at - a.at);
  for (const { name, at } of trees.slice(kept)) {
    if (at < Date.now() - HOUR_MS) rmSync(join(dir, name), { recursive: true, force: true });
  }
}

/**
 * Where installed trees are: outside of every project, so that a bundle that is imported beside one finds nothing but
 * what the image will have.
 */
export function externalsDir(env: Record<string, string | undefined>): string {
  const home = env.HOME || homedir();
  const cache = env.XDG_CACHE_HOME || env.LOCALAPPDATA || join(home, ".cache");
  return join(cache, "gantry", "externals");
}
