import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { nearestWith } from "./project-root.ts";

/**
 * Packages that break when they are bundled although they carry no native code of their own: they start processes,
 * read files beside their code, or generate it after installation.
 */
const NEVER_BUNDLED = new Set([
  "@prisma/client",
  ".prisma",
  "esbuild",
  "import-in-the-middle",
  "jsdom",
  "pdfkit",
  "pino",
  "playwright",
  "playwright-core",
  "puppeteer",
  "puppeteer-core",
  "require-in-the-middle",
  "thread-stream",
  "typescript",
]);
const BUILD_TOOLS = [
  "@mapbox/node-pre-gyp",
  "bindings",
  "node-addon-api",
  "node-gyp",
  "node-gyp-build",
  "prebuild-install",
];
const PLATFORM_PACKAGE = /(linux|darwin|win32|windows)-(x64|arm64)/;

interface PackageManifest {
  name?: string;
  version?: string;
  gypfile?: boolean;
  binary?: unknown;
  napi?: unknown;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

/** `@scope/name/sub` → `@scope/name`. */
export function packageOf(path: string): string {
  return path.split("/", path.startsWith("@") ? 2 : 1).join("/");
}

/** The folder of the installed package that a file is of; undefined for the project's own files. */
export function packageFolder(file: string): string | undefined {
  if (!file.includes("node_modules")) return undefined;
  let folder = nearestWith(dirname(file), "package.json");
  // Inner package.json files ({"type": "commonjs"}) have no name; the package's own has.
  while (folder !== undefined && readManifest(folder)?.name === undefined) {
    folder = nearestWith(dirname(folder), "package.json");
  }
  return folder;
}

/** Whether a package must be loaded from where it is installed. Looks into each folder once. */
export function bundlingVerdicts(): (path: string, folder: string) => boolean {
  const known = new Map<string, boolean>();
  return (path, folder) => {
    if (isPrismaRuntime(path, folder)) return false;
    const verdict = known.get(folder) ?? (NEVER_BUNDLED.has(packageOf(path)) || hasNativeCode(folder));
    known.set(folder, verdict);
    return verdict;
  };
}

/**
 * From version 7 on, what a client that was generated into the project imports is JavaScript, its WebAssembly too: 5 MB
 * in the bundle for one kind of database, where the whole package has 70.
 */
function isPrismaRuntime(path: string, folder: string): boolean {
  if (!path.startsWith("@prisma/client/runtime/")) return false;
  return Number(readManifest(folder)?.version?.split(".")[0]) >= 7;
}

/** A binding.gyp, a `.node` file near the top, a tool of native builds, or platform packages chosen at installation. */
function hasNativeCode(folder: string): boolean {
  const manifest = readManifest(folder);
  if (manifest === undefined) return false;
  if (manifest.gypfile || manifest.binary || manifest.napi || existsSync(join(folder, "binding.gyp"))) return true;
  const { dependencies = {}, optionalDependencies = {} } = manifest;
  if (BUILD_TOOLS.some((tool) => tool in dependencies)) return true;
  if (Object.keys(optionalDependencies).some((name) => PLATFORM_PACKAGE.test(name))) return true;
  return ["", "build/Release", "prebuilds", "dist"].some((sub) => hasNodeFile(join(folder, sub)));
}

function readManifest(folder: string): PackageManifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as PackageManifest;
  } catch {
    return undefined;
  }
}

function hasNodeFile(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => name.endsWith(".node"));
  } catch {
    return false;
  }
}

/** Whether the name means this very folder when it is imported from the project: another version may lie there. */
export function isInstalledIn(projectDir: string, name: string, folder: string): boolean {
  const above = nearestWith(projectDir, join("node_modules", name));
  return above !== undefined && realpathSync(join(above, "node_modules", name)) === realpathSync(folder);
}
