import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, glob, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { ROOT } from "../paths.mjs";
import { freshFolder } from "./folder.mjs";
import { modulesInUse } from "./modules-in-use.mjs";

const HOME = "opt/gantry";
/** Ours: npm links them, the image has them as packages. */
const OURS = [
  { folder: "platform", name: "@gantry/platform", holds: ["package.json", "LICENSE", "prisma", "dist/dashboard"] },
  { folder: "sdk", name: "@gantry/sdk", holds: ["package.json", "LICENSE"] },
  { folder: "worker-image", name: "@gantry/worker", holds: ["package.json", "LICENSE"] },
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
/** What its licence asks a copy to carry stays. */
const LICENCE = /(^|\/)(licen[cs]e|notice|copying)[^/]*$/i;

/**
 * Two layers: `packages/`, which change with the lockfile alone and are copied from the installation it made, and
 * `product/`, the platform and the CLI. Both lie under `opt/gantry/`.
 * Without optional packages (embedded Postgres) and esbuild's program, so that nothing in it is made for one processor.
 */
export async function stagePlatform(target) {
  await stagePackages(join(target, "packages"), join(target, "packages.stamp"));
  await freshFolder(join(target, "product"), (root) => fillProduct(join(root, HOME)));
}

/** Four thousand files: they are not copied again where nothing that decides about them has changed. */
async function stagePackages(target, stamp) {
  const hash = createHash("sha256");
  for (const file of ["package-lock.json", ...OURS.map(({ folder }) => `${folder}/package.json`)])
    hash.update(await readFile(join(ROOT, file)));
  const wanted = hash.update(await readFile(import.meta.filename)).digest("hex");
  if (existsSync(target) && (await readFile(stamp, "utf8").catch(() => "")) === wanted) return;
  await rm(stamp, { force: true });
  await freshFolder(target, async (root) => {
    const home = join(root, HOME);
    for (const path of await productionPackages())
      await cp(path, join(home, placeOf(path)), { recursive: true, filter: (from) => !isNested(path, from) });
    await removeUnread(home);
  });
  await writeFile(stamp, wanted);
}

async function fillProduct(home) {
  for (const { folder, name, holds } of OURS) {
    const to = join(home, "node_modules", name);
    for (const each of holds) {
      const from = join(ROOT, existsSync(join(ROOT, folder, each)) ? folder : ".", each);
      await cp(from, join(to, each), { recursive: true });
    }
    for (const path of await builtFiles(folder)) await cp(path, join(to, relative(join(ROOT, folder), path)));
  }
  await linkCommands(home);
}

async function builtFiles(folder) {
  const entries = [];
  for await (const path of glob("dist/**/*.js", { cwd: join(ROOT, folder) }))
    if (!path.includes("/chunks/") && !path.startsWith("dist/dashboard/")) entries.push(join(ROOT, folder, path));
  return modulesInUse(entries);
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

async function removeUnread(home) {
  const modules = join(home, "node_modules");
  for await (const path of glob(UNREAD, { cwd: modules }))
    if (!LICENCE.test(path)) await rm(join(modules, path), { recursive: true, force: true });
}

async function linkCommands(home) {
  await mkdir(join(home, "bin"));
  for (const [command, program] of Object.entries(COMMANDS)) {
    const link = join(home, "bin", command);
    await symlink(relative(dirname(link), join(home, "node_modules", program)), link);
  }
}
