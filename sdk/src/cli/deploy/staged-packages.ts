import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ImagePlatform } from "../../contract/image-layout.ts";
import { CliError } from "../cli-error.ts";
import { type ScriptedPackage, scriptVerdict } from "./install-scripts-policy.ts";
import type { LayerEntry } from "./layer-tar.ts";
import { cpuOf } from "./npm-install.ts";

interface Manifest {
  name?: string;
  version?: string;
  gypfile?: boolean;
  scripts?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

/** The files under a folder as entries under `prefix`: no links, none of npm's own notes. */
export function folderEntries(folder: string, prefix: string): LayerEntry[] {
  const entries: LayerEntry[] = [];
  walk(folder, prefix);
  return entries;

  function walk(from: string, to: string): void {
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const file = join(from, entry.name);
      const path = `${to}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!(entry.name === ".bin" && from.endsWith("node_modules"))) walk(file, path);
      } else if (entry.isFile() && entry.name !== ".package-lock.json") {
        entries.push({ path, isExecutable: (statSync(file).mode & 0o100) !== 0, read: () => readFile(file) });
      }
    }
  }
}

/**
 * Refuses packages that would not work without their install script.
 * Error: EXTERNAL_NEEDS_INSTALL_SCRIPT, naming each and what to do.
 */
export function checkInstallScripts(modules: string, platform: ImagePlatform, pure: readonly string[]): void {
  const needed = scriptedPackages(modules, platform).filter((found) => scriptVerdict(found, pure).isNeeded);
  if (needed.length === 0) return;
  const list = needed.map(({ name, version, script }) => `  ${name}@${version}  (${script})`).join("\n");
  const names = needed.map(({ name }) => JSON.stringify(name)).join(", ");
  throw new CliError(
    "EXTERNAL_NEEDS_INSTALL_SCRIPT",
    `These packages stay outside of the bundle and have an install script, which a deploy does not run:\n${list}`,
    {
      remedy:
        `If they work without it, say so in gantry.config.ts: build: { pure: [${names}] }. Else build an image that has ` +
        "them and name it as build.baseImage, or have Docker build the image (a build extension, or --local-build).",
    },
  );
}

function scriptedPackages(modules: string, platform: ImagePlatform): ScriptedPackage[] {
  return packageFolders(modules).flatMap((folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    const script = scriptOf(manifest, folder);
    if (script === undefined) return [];
    const { name = folder, version = "?", optionalDependencies = {} } = manifest;
    const hasPlatformPackage = Object.keys(optionalDependencies).some(
      (dependency) =>
        dependency.includes(cpuOf(platform)) &&
        [modules, join(folder, "node_modules")].some((place) => existsSync(join(place, dependency))),
    );
    return [{ name, version, script, hasPlatformPackage, hasPrebuild: hasPrebuild(folder, platform) }];
  });
}

function scriptOf({ scripts = {}, gypfile }: Manifest, folder: string): string | undefined {
  const { preinstall, install, postinstall } = scripts;
  const implied = gypfile !== false && existsSync(join(folder, "binding.gyp")) ? "node-gyp rebuild" : undefined;
  return install ?? preinstall ?? (implied && preinstall === undefined ? implied : postinstall);
}

/** prebuildify's folder: `prebuilds/linux-x64/…node`, or one for several architectures. */
function hasPrebuild(folder: string, platform: ImagePlatform): boolean {
  const prebuilds = join(folder, "prebuilds");
  if (!existsSync(prebuilds)) return false;
  return readdirSync(prebuilds).some((name) => name.startsWith("linux-") && name.includes(cpuOf(platform)));
}

function packageFolders(modules: string): string[] {
  if (!existsSync(modules)) return [];
  return readdirSync(modules, { withFileTypes: true }).flatMap((entry) => {
    const folder = join(modules, entry.name);
    if (!entry.isDirectory() || entry.name.startsWith(".")) return [];
    if (entry.name.startsWith("@")) return packageFolders(folder);
    const nested = packageFolders(join(folder, "node_modules"));
    return existsSync(join(folder, "package.json")) ? [folder, ...nested] : nested;
  });
}
