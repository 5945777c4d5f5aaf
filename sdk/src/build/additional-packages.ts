import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BuildExtension } from "./extension.ts";

/**
 * Installs npm packages beside the bundle that the code does not import: programs it starts, plugins loaded by name.
 * `"name"` takes the version installed in the project (else the latest), `"name@version"` that one.
 */
export function additionalPackages({ packages }: { packages: string[] }): BuildExtension {
  return {
    name: "additionalPackages",
    async onBuildStart({ target, workingDir, addLayer }) {
      if (target !== "deploy") return;
      const dependencies: Record<string, string> = {};
      for (const wanted of packages) {
        const { name, version } = parsePackage(wanted);
        dependencies[name] = version ?? (await installedVersion(workingDir, name)) ?? "latest";
      }
      addLayer({ id: "additionalPackages", dependencies });
    },
  };
}

function parsePackage(wanted: string): { name: string; version: string | undefined } {
  const [, name, version] = /^((?:@[^/@\s]+\/)?[^/@\s]+)(?:@(\S+))?$/.exec(wanted) ?? [];
  if (name === undefined) throw new Error(`additionalPackages: "${wanted}" is not a package's name.`);
  return { name, version };
}

/** Read from the folders that Node would look into, so that packages without an entry module are found too. */
async function installedVersion(from: string, name: string): Promise<string | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    const text = await readFile(join(folder, "node_modules", name, "package.json"), "utf8").catch(() => undefined);
    if (text !== undefined) return (JSON.parse(text) as { version?: string }).version;
    if (folder === dirname(folder)) return undefined;
  }
}
