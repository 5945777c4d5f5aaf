import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./paths.mjs";

/** What users install, in the order in which they depend on each other. */
export const PACKAGES = ["sdk", "worker-image", "platform"];

/**
 * Packs the built packages into a folder. Gives for each its name, the tarball's path and the paths it holds.
 * Errors: npm's, with what it printed.
 */
export async function packAll(target) {
  await mkdir(target, { recursive: true });
  for (const name of PACKAGES) await copyFile(join(ROOT, "LICENSE"), join(ROOT, name, "LICENSE"));
  // By name: a folder would stand for the workspaces below it too.
  const names = await Promise.all(PACKAGES.map(nameOf));
  const args = [
    "pack",
    "--json",
    "--ignore-scripts",
    "--pack-destination",
    target,
    ...names.flatMap((name) => ["--workspace", name]),
  ];
  const { stdout } = await promisify(execFile)("npm", args, {
    cwd: ROOT,
    shell: process.platform === "win32",
    maxBuffer: 1e8,
  });
  return Object.values(JSON.parse(stdout)).map(({ name, filename, files }) => ({
    name,
    path: join(target, filename.replace("@", "").replace("/", "-")),
    files: files.map(({ path }) => path),
  }));
}

async function nameOf(folder) {
  return JSON.parse(await readFile(join(ROOT, folder, "package.json"), "utf8")).name;
}
