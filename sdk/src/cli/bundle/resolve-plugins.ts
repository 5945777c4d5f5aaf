import { pathToFileURL } from "node:url";
import type { ImportKind, OnResolveArgs, Plugin, PluginBuild } from "esbuild";
import { bundlingVerdicts, isInstalledIn, packageFolder, packageOf } from "./native-packages.ts";
import { sdkRoot } from "./project-root.ts";

/** Imports by a package's name; esbuild's filters are Go's regular expressions, which know no look-ahead. */
const MAYBE_BARE = /^[^./#]/;
const NOT_BARE = /^([a-zA-Z]:[\\/]|(node|gantry|data|file|https?):)/;
const SDK = /^@gantry\/sdk(\/.*)?$/;

/**
 * `@trigger.dev/sdk` and `@trigger.dev/sdk/v3` mean `@gantry/sdk`, and their hooks ours, so that task files run unchanged. Their build extensions
 * are used as they are where they are installed, else ours are.
 */
export function compatPlugin(): Plugin {
  return {
    name: "gantry:compat",
    setup(build) {
      build.onResolve({ filter: /^@trigger\.dev\/sdk(\/v3)?$/ }, (args) =>
        resolveSdk(build, "@gantry/sdk", args.kind, args.resolveDir),
      );
      build.onResolve({ filter: /^@trigger\.dev\/react-hooks$/ }, (args) =>
        resolveSdk(build, "@gantry/sdk/react", args.kind, args.resolveDir),
      );
      build.onResolve({ filter: /^@trigger\.dev\/build(\/|$)/ }, async ({ path, kind, resolveDir, pluginData }) => {
        if (pluginData === RESOLVING) return undefined;
        const theirs = await build.resolve(path, { kind, resolveDir, pluginData: RESOLVING });
        return theirs.errors.length === 0 ? undefined : await resolveSdk(build, "@gantry/sdk/build", kind, resolveDir);
      });
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
/** What a plugin asks esbuild to find on its behalf: its own rules are not asked again. */
export const RESOLVING = Symbol("resolving");

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
        if (isNoPackage(args)) return undefined;
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

/** A package that stays outside of a bundle: the name it is imported by, and where it is installed here. */
export interface OutsidePackage {
  name: string;
  folder: string;
}

/** Which packages stay outside. */
export interface OutsideRules {
  projectDir: string;
  external: (string | RegExp)[];
  /** Whether those with native code are found without being named. */
  detectsNative: boolean;
}

/**
 * Keeps packages with native code, and those known to break, out of the bundle. They are loaded by name from the
 * project's node_modules, in which the bundle lives; one that cannot be found from there (a dependency of a
 * dependency in a strict layout) is loaded by its full path.
 *
 * With `onOutside` the bundle is for another machine: each is loaded by name, and told.
 */
export function nativePlugin(
  { projectDir, external, detectsNative }: OutsideRules,
  onOutside?: (outside: OutsidePackage) => void,
): Plugin {
  const staysOutside = bundlingVerdicts();
  return {
    name: "gantry:native",
    setup(build) {
      build.onResolve({ filter: MAYBE_BARE }, async (args) => {
        if (isNoPackage(args)) return undefined;
        const { path, kind, resolveDir, importer } = args;
        const isNamed = external.some((entry) => matches(entry, path));
        const found = await build.resolve(path, { kind, resolveDir, pluginData: RESOLVING });
        if (found.errors.length > 0) {
          // A dependency's own optional dependency: it knows what to do when that is missing.
          const isOptional = kind === "require-call" && importer.includes("node_modules");
          return isNamed || isOptional ? { path, external: true } : found;
        }
        const folder = found.namespace === "file" && !found.external ? packageFolder(found.path) : undefined;
        if (folder === undefined) return found;
        if (!isNamed && !(detectsNative && staysOutside(path, folder))) return found;
        onOutside?.({ name: packageOf(path), folder });
        const byName = onOutside !== undefined || isInstalledIn(projectDir, packageOf(path), folder);
        return { path: byName ? path : importable(found.path, kind), external: true };
      });
    },
  };
}

function isNoPackage({ path, kind, pluginData }: OnResolveArgs): boolean {
  return pluginData === RESOLVING || kind === "entry-point" || NOT_BARE.test(path);
}

function matches(entry: string | RegExp, path: string): boolean {
  return typeof entry === "string" ? entry === path || entry === packageOf(path) : entry.test(path);
}

/** A file as `require` (a path) or `import` (a URL) wants it. */
function importable(file: string, kind: ImportKind): string {
  return kind === "require-call" || kind === "require-resolve" ? file : pathToFileURL(file).href;
}
