// Installs the dependencies where what is installed is not what the lockfile says; otherwise does nothing.
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./paths.mjs";

const readJson = async (path) => JSON.parse(await readFile(path, "utf8").catch(() => "{}"));

/** Path → version and hash, without what this machine has no use for. */
function wantedPackages(lock) {
  const entries = Object.entries(lock.packages ?? {}).filter(
    ([path, entry]) => path.startsWith("node_modules/") && !entry.optional,
  );
  return entries.map(([path, entry]) => [path, entry.version ?? entry.resolved]);
}

const lock = await readJson(join(ROOT, "package-lock.json"));
const installed = await readJson(join(ROOT, "node_modules", ".package-lock.json"));
const isCurrent = wantedPackages(lock).every(([path, version]) => {
  const found = installed.packages?.[path];
  return found && (found.version ?? found.resolved) === version;
});
// No package needs its install script: what they would download is either in a package of its own or not used.
if (!isCurrent) {
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: ROOT,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  process.exitCode = status ?? 1;
}
