import { readFileSync } from "node:fs";
import { resolve, sep } from "node:path";
import type { Metafile } from "esbuild";
import { sdkRoot } from "./project-root.ts";

/** What every way to wait or to make a step is written with. */
const WAITS = /\b(wait|step|checkpoint)\b|AndWait|forToken/;
const SDK = /^@(gantry|trigger\.dev)\/sdk(\/|$)/;

/**
 * Whether a bundle's tasks may wait. False only where no text of the project's own says so, nor any of a package that uses
 * the SDK: processes then start without what watches them, which is about 30 ms sooner.
 */
export function mayWait(projectDir: string, metafile: Metafile | undefined): boolean {
  if (metafile === undefined) return true;
  return Object.entries(metafile.inputs).some(([path, { imports }]) => {
    if (path.startsWith("gantry:") || path.startsWith("(disabled):")) return false;
    const file = resolve(projectDir, path);
    if (isOurs(file)) return false;
    if (isPackage(file) && !imports.some(({ original }) => SDK.test(original ?? ""))) return false;
    return mentionsWaits(file);
  });
}

function isOurs(file: string): boolean {
  return file.startsWith(sdkRoot() + sep) || file.includes(["", "node_modules", "@gantry", "sdk", ""].join(sep));
}

function isPackage(file: string): boolean {
  return file.includes(`${sep}node_modules${sep}`);
}

/** What a plugin made up is no file: it may hold anything. */
function mentionsWaits(file: string): boolean {
  try {
    return WAITS.test(readFileSync(file, "utf8"));
  } catch {
    return true;
  }
}
