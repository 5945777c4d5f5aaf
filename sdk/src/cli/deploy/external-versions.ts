import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import { CliError } from "../cli-error.ts";

/** What is to be installed for the image, as npm understands it: the exact versions that the project has. */
export interface ExternalVersions {
  /** By the name they are imported by. */
  dependencies: Record<string, string>;
  /** Versions of what they need in turn; npm's `overrides`. */
  overrides: Record<string, string | Record<string, string>>;
}

interface Manifest {
  name?: string;
  version?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

interface Installed {
  /** The name it is found by; its own may differ (`"a": "npm:b@1"`). */
  name: string;
  folder: string;
  manifest: Manifest;
}

/** One package that needs another, at the version it gets here. */
interface Edge {
  parent: string;
  name: string;
  spec: string;
}

/**
 * The versions that a project has installed of `roots` and of everything they need, read from its node_modules, however
 * npm, pnpm or Yarn laid it out. What is not installed here (another platform's binaries) is left to npm.
 * Errors: EXTERNAL_TWICE where the code imports two versions of a package that stays outside of the bundle.
 */
export function externalVersions(roots: { name: string; folder: string }[]): ExternalVersions {
  const dependencies: Record<string, string> = {};
  const seen = new Set<string>();
  const edges: Edge[] = [];
  const waiting: Installed[] = [];
  for (const { name, folder } of roots) addRoot({ name, folder, manifest: readManifest(folder) });
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) follow(next);
  return { dependencies: sortedByName(dependencies), overrides: overridesOf(edges, dependencies) };

  function addRoot(root: Installed): void {
    const spec = specOf(root);
    const before = dependencies[root.name];
    if (before !== undefined && before !== spec) throw importedTwice(root.name, before, spec);
    dependencies[root.name] = spec;
    waiting.push(root);
  }

  function follow(from: Installed): void {
    if (seen.has(from.folder)) return;
    seen.add(from.folder);
    const { manifest } = from;
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      const found = findInstalled(name, from.folder);
      if (found === undefined) continue;
      edges.push({ parent: keyOf(from), name, spec: specOf(found) });
      waiting.push(found);
    }
    // A peer is the project's choice: installed beside, as the project has it, unless it may be left out.
    for (const name of Object.keys(manifest.peerDependencies ?? {})) {
      if (manifest.peerDependenciesMeta?.[name]?.optional) continue;
      const found = findInstalled(name, from.folder);
      if (found !== undefined && dependencies[name] === undefined) addRoot(found);
    }
  }
}

/** A package as Node would find it from a folder; undefined where it is not installed. */
export function findInstalled(name: string, from: string): Installed | undefined {
  const { root } = parse(from);
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) {
      const real = realpathSync(candidate);
      return { name, folder: real, manifest: readManifest(real) };
    }
    if (folder === root) return undefined;
  }
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

function specOf({ name, manifest }: Installed): string {
  const version = manifest.version ?? "*";
  return manifest.name === undefined || manifest.name === name ? version : `npm:${manifest.name}@${version}`;
}

function keyOf({ name, manifest }: Installed): string {
  return `${name}@${manifest.version ?? "*"}`;
}

/** A package of one version is pinned everywhere; one of several, below each package that needs it. */
function overridesOf(edges: Edge[], dependencies: Record<string, string>): ExternalVersions["overrides"] {
  const specs = new Map<string, Set<string>>();
  for (const { name, spec } of edges) specs.set(name, (specs.get(name) ?? new Set()).add(spec));
  const overrides: Record<string, string | Record<string, string>> = {};
  for (const { parent, name, spec } of edges) {
    const pinned = dependencies[name];
    if (pinned === spec && specs.get(name)?.size === 1) continue;
    if (pinned === undefined && specs.get(name)?.size === 1) overrides[name] = spec;
    else overrides[parent] = { ...(overrides[parent] as Record<string, string> | undefined), [name]: spec };
  }
  return sortedByName(
    Object.fromEntries(
      Object.entries(overrides).map(([key, value]) => [key, typeof value === "string" ? value : sortedByName(value)]),
    ),
  );
}

function sortedByName<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function importedTwice(name: string, one: string, other: string): CliError {
  return new CliError(
    "EXTERNAL_TWICE",
    `The code imports two versions of ${name} (${one} and ${other}), which stays outside of the bundle.`,
    { remedy: `Make it one, with your package manager's overrides or by importing ${name} in one place.` },
  );
}
