import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ImportKind, Plugin, PluginBuild } from "esbuild";
import { nearestWith, sdkRoot } from "./project-root.ts";

/** Imports by a package's name; esbuild's filters are Go's regular expressions, which know no look-ahead. */
const MAYBE_BARE = /^[^./#]/;
const NOT_BARE = /^([a-zA-Z]:[\\/]|(node|gantry|data|file|https?):)/;
const SDK = /^@gantry\/sdk(\/.*)?$/;

/**
 * Packages that break when they are bundled although they carry no native code of their own: they start processes,
 * read files beside their code, or generate it after installation.
 */
const NEVER_BUNDLED = [
  "@prisma/client",
  ".prisma",
  "esbuild",
  "playwright",
  "playwright-core",
  "puppeteer",
  "puppeteer-core",
  "typescript",
  "pino",
  "thread-stream",
  "import-in-the-middle",
  "require-in-the-middle",
  "jsdom",
  "pdfkit",
];
const NATIVE_MARKS = [
  "node-gyp-build",
  "bindings",
  "prebuild-install",
  "@mapbox/node-pre-gyp",
  "node-addon-api",
  "node-gyp",
];

/** `@trigger.dev/sdk` and `@trigger.dev/sdk/v3` mean `@gantry/sdk`, so that task files run unchanged. */
export function compatPlugin(): Plugin {
  return {
    name: "gantry:compat",
    setup(build) {
      build.onResolve({ filter: /^@trigger\.dev\/sdk(\/v3)?$/ }, (args) =>
        resolveSdk(build, "@gantry/sdk", args.kind, args.resolveDir),
      );
    },
  };
}

/** The project's own @gantry/sdk, or, where it has none, the one this CLI is part of. */
export function sdkPlugin(): Plugin {
  return {
    name: "gantry:sdk",
    setup(build) {
      build.onResolve({ filter: SDK }, (args) =>
        args.pluginData === RESOLVING ? undefined : resolveSdk(build, args.path, args.kind, args.resolveDir),
      );
    },
  };
}
const RESOLVING = Symbol("resolving");

async function resolveSdk(build: PluginBuild, path: string, kind: ImportKind, resolveDir: string) {
  const options = { kind, pluginData: RESOLVING };
  const projects = await build.resolve(path, { ...options, resolveDir });
  if (projects.errors.length === 0) return projects;
  return await build.resolve(path, { ...options, resolveDir: sdkRoot() });
}

/** Leaves every package outside: for the file of configuration, which runs here and at once. */
export function keepPackagesOutside(): Plugin {
  return {
    name: "gantry:packages-outside",
    setup(build) {
      build.onResolve({ filter: MAYBE_BARE }, async (args) => {
        if (args.pluginData === RESOLVING || args.kind === "entry-point" || NOT_BARE.test(args.path)) return undefined;
        const found = await build.resolve(args.path, {
          kind: args.kind,
          resolveDir: args.resolveDir,
          pluginData: RESOLVING,
        });
        if (found.errors.length > 0 || !found.path.includes("node_modules")) {
          return SDK.test(args.path) ? await outsideSdk(build, args.path) : found;
        }
        return { path: pathToFileURL(found.path).href, external: true };
      });
    },
  };
}

async function outsideSdk(build: PluginBuild, path: string) {
  const own = await build.resolve(path, { kind: "import-statement", resolveDir: sdkRoot(), pluginData: RESOLVING });
  return own.errors.length > 0 ? own : { path: pathToFileURL(own.path).href, external: true };
}

/**
 * Keeps packages with native code, and those known to break, out of the bundle. They are loaded by name from the
 * project's node_modules, in which the bundle lives; one that cannot be found from there (a dependency of a
 * dependency in a strict layout) is loaded by its full path.
 */
export function nativePlugin(projectDir: string, external: (string | RegExp)[]): Plugin {
  const verdicts = new Map<string, boolean>();
  const isNative = (packageDir: string) => {
    const known = verdicts.get(packageDir);
    if (known !== undefined) return known;
    const verdict = hasNativeCode(packageDir);
    verdicts.set(packageDir, verdict);
    return verdict;
  };
  return {
    name: "gantry:native",
    setup(build) {
      build.onResolve({ filter: MAYBE_BARE }, async (args) => {
        if (args.pluginData === RESOLVING || args.kind === "entry-point" || NOT_BARE.test(args.path)) return undefined;
        const name = packageOf(args.path);
        const isNamed = external.some((entry) =>
          typeof entry === "string" ? entry === name || entry === args.path : entry.test(args.path),
        );
        const found = await build.resolve(args.path, {
          kind: args.kind,
          resolveDir: args.resolveDir,
          pluginData: RESOLVING,
        });
        // A dependency's own optional dependency: it knows what to do when that is missing.
        const isOptional = args.kind === "require-call" && args.importer.includes("node_modules");
        if (found.errors.length > 0 && (isNamed || isOptional)) return { path: args.path, external: true };
        if (found.errors.length > 0 || found.external || found.namespace !== "file") return found;
        const folder = packageFolder(found.path);
        if (!isNamed && (folder === undefined || !(NEVER_BUNDLED.includes(name) || isNative(folder)))) return found;
        if (isFoundFromProject(projectDir, args.path)) return { path: args.path, external: true };
        const isRequired = args.kind === "require-call" || args.kind === "require-resolve";
        return { path: isRequired ? found.path : pathToFileURL(found.path).href, external: true };
      });
    },
  };
}

/** `@scope/name/sub` → `@scope/name`. */
function packageOf(path: string): string {
  return path.split("/", path.startsWith("@") ? 2 : 1).join("/");
}

function packageFolder(file: string): string | undefined {
  if (!file.includes("node_modules")) return undefined;
  // Inner package.json files ({"type": "commonjs"}) have no name; the package's own has.
  for (
    let folder = nearestWith(dirname(file), "package.json");
    folder;
    folder = nearestWith(dirname(folder), "package.json")
  ) {
    if (readManifest(folder)?.name !== undefined) return folder;
  }
  return undefined;
}

interface PackageManifest {
  name?: string;
  gypfile?: boolean;
  binary?: unknown;
  napi?: unknown;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

function readManifest(folder: string): PackageManifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as PackageManifest;
  } catch {
    return undefined;
  }
}

/** A binding.gyp, a `.node` file near the top, a tool of native builds, or platform packages chosen at installation. */
function hasNativeCode(folder: string): boolean {
  const manifest = readManifest(folder);
  if (manifest === undefined) return false;
  if (manifest.gypfile || manifest.binary || manifest.napi || existsSync(join(folder, "binding.gyp"))) return true;
  const dependencies = Object.keys({ ...manifest.dependencies });
  if (dependencies.some((name) => NATIVE_MARKS.includes(name))) return true;
  const platforms = Object.keys(manifest.optionalDependencies ?? {});
  if (platforms.some((name) => /(linux|darwin|win32|windows)-(x64|arm64)/.test(name))) return true;
  return ["", "build/Release", "prebuilds", "dist"].some((sub) => hasNodeFile(join(folder, sub)));
}

function hasNodeFile(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => name.endsWith(".node"));
  } catch {
    return false;
  }
}

function isFoundFromProject(projectDir: string, path: string): boolean {
  try {
    createRequire(join(projectDir, "package.json")).resolve(path);
    return true;
  } catch {
    return existsSync(join(projectDir, "node_modules", packageOf(path)));
  }
}
