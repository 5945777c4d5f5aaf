import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

const RELATIVE = /["'](\.{1,2}\/[^"'\n]+\.c?js)["']/g;

/**
 * The files that are reached from these by relative imports, they themselves included; absolute paths.
 * A folder that was built into often holds chunks of older builds, which nothing imports any more.
 */
export async function modulesInUse(entries) {
  const found = new Set();
  const visit = async (path) => {
    if (found.has(path)) return;
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined) return;
    found.add(path);
    for (const [, specifier] of text.matchAll(RELATIVE)) await visit(resolve(dirname(path), specifier));
  };
  for (const entry of entries) await visit(entry);
  return found;
}
