import { existsSync, readFileSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import { fileURLToPath } from "node:url";

/** The nearest folder at or above `from` that has `file`; undefined where there is none up to the file system's root. */
export function nearestWith(from: string, file: string): string | undefined {
  const { root } = parse(from);
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, file))) return folder;
    if (folder === root) return undefined;
  }
}

/** The folder of the installed @gantry/sdk that this code is part of. */
export function sdkRoot(): string {
  const root = nearestWith(dirname(fileURLToPath(import.meta.url)), "package.json");
  if (root === undefined) throw new Error("@gantry/sdk's package.json is missing above its own code");
  return root;
}

/** A module of this CLI that is started as a process of its own: the source when run from sources, else the build. */
export function ownModule(name: string): string {
  const isSource = fileURLToPath(import.meta.url).endsWith(".ts");
  return isSource ? join(sdkRoot(), "src/cli", `${name}.ts`) : join(sdkRoot(), "dist/cli", `${name}.js`);
}

/** The version of @gantry/sdk. */
export function sdkVersion(): string {
  return (JSON.parse(readFileSync(join(sdkRoot(), "package.json"), "utf8")) as { version: string }).version;
}
