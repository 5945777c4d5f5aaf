import { existsSync } from "node:fs";
import { cp, glob, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { ROOT } from "../paths.mjs";

const HOME = "opt/gantry";
/** Ours: npm links them, the image has them as packages. */
const OURS = [
  { folder: "platform", name: "@gantry/platform", holds: ["package.json", "dist", "prisma"] },
  { folder: "sdk", name: "@gantry/sdk", holds: ["package.json", "dist"] },
  { folder: "worker-image", name: "@gantry/worker", holds: ["package.json", "dist"] },
];
const COMMANDS = { "gantry-platform": "@gantry/platform/dist/main.js", gantry: "@gantry/sdk/dist/cli/main.js" };

/** What no server reads: types, maps, esbuild's program, and Prisma's compilers for databases that Gantry does not use. */
const UNREAD = [
  "**/*.{d.ts,d.mts,d.cts,map,md,markdown,tsbuildinfo}",
  "@prisma/client/runtime/query_compiler_*{cockroachdb,mysql,sqlite,sqlserver}*",
  "@prisma/client/runtime/query_compiler_fast_*",
  "esbuild/bin/",
  "**/{test,tests,__tests__,example,examples,.github,prebuilds}/",
];

/**
 * `opt/gantry/`: platform and CLI with the packages they run with, copied from the installation that the lockfile made.
 * Without optional packages (embedded Postgres) and esbuild's program, so that nothing in it is made for one processor.
 */
export async function stagePlatform(target) {
  const home = join(target, HOME);
  const modules = join(home, "node_modules");
  for (const path of await productionPackages())
    await cp(path, join(home, placeOf(path)), { recursive: true, filter: (from) => !isNested(path, from) });
  for (const { folder, name, holds } of OURS) {
    await mkdir(join(modules, name), { recursive: true });
    for (const each of holds)
      await cp(join(ROOT, folder, each), join(modules, name, each), { recursive: true, preserveTimestamps: true });
  }
  await removeUnread(modules);
  await linkCommands(home);
}

/**
 * Absolute folders of the third-party packages that ours need, found as Node finds them; nested ones are entries of their
 * own. Neither optional packages nor peers that nothing asks for.
 */
async function productionPackages() {
  const found = new Set();
  const visit = async (folder) => {
    const { dependencies = {} } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    for (const name of Object.keys(dependencies)) {
      if (name.startsWith("@gantry/")) continue;
      const path = installedAt(name, folder);
      if (found.has(path)) continue;
      found.add(path);
      await visit(path);
    }
  };
  for (const { folder } of OURS) await visit(join(ROOT, folder));
  return found;
}

function installedAt(name, from) {
  for (let folder = from; folder.startsWith(ROOT); folder = dirname(folder)) {
    const path = join(folder, "node_modules", name);
    if (existsSync(join(path, "package.json"))) return path;
  }
  throw new Error(`${name}, which ${from} needs, is not installed: run \`make install\` first.`);
}

/** A package beside one of ours lies beside it in the image too. */
function placeOf(path) {
  const from = relative(ROOT, path);
  const ours = OURS.find(({ folder }) => from.startsWith(`${folder}/`));
  return ours ? join("node_modules", ours.name, relative(ours.folder, from)) : from;
}

const isNested = (root, path) => relative(root, path).split("/").includes("node_modules");

async function removeUnread(modules) {
  for await (const path of glob(UNREAD, { cwd: modules }))
    await rm(join(modules, path), { recursive: true, force: true });
}

async function linkCommands(home) {
  await mkdir(join(home, "bin"));
  for (const [command, program] of Object.entries(COMMANDS)) {
    const link = join(home, "bin", command);
    await symlink(relative(dirname(link), join(home, "node_modules", program)), link);
  }
}
