// Checks that the lockfile knows the packages of every platform, or completes it: `node .make/lockfile.mjs [--fix]`.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./paths.mjs";

const SYSTEMS = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const PROCESSORS = ["arm", "arm64", "ia32", "loong64", "ppc64", "riscv64", "s390x", "x64"];

/**
 * Optional packages that the lockfile lacks, by path. npm leaves out those that its registry does not carry (a mirror for one
 * platform), and `npm ci` then refuses the lockfile everywhere. An entry needs no more than its version and its platform,
 * which is in its name.
 */
export function missingEntries(packages) {
  const missing = {};
  for (const [at, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!isKnown(packages, at, name) && /^\d+\.\d+\.\d+/.test(version)) {
        missing[`node_modules/${name}`] = entryFor(name, version, entry);
      }
    }
  }
  return missing;
}

/** Whether a package at `at` finds another as Node would: beside itself, or in any folder above. */
function isKnown(packages, at, name) {
  for (let folder = at; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    if (packages[`${folder ? `${folder}/` : ""}node_modules/${name}`]) return true;
    if (!folder) return false;
  }
}

function entryFor(name, version, parent) {
  const words = name.split("/").at(-1).split("-");
  const os = SYSTEMS.filter((system) => words.includes(system));
  const cpu = PROCESSORS.filter((processor) => words.includes(processor));
  const libc =
    os[0] === "linux" && /musl/.test(name) ? ["musl"] : os[0] === "linux" && /gnu/.test(name) ? ["glibc"] : [];
  return {
    version,
    ...(cpu.length > 0 && { cpu }),
    ...(parent.dev && { dev: true }),
    ...(libc.length > 0 && { libc }),
    ...(parent.license && { license: parent.license }),
    optional: true,
    ...(os.length > 0 && { os }),
  };
}

function main() {
  const path = join(ROOT, "package-lock.json");
  const lock = JSON.parse(readFileSync(path, "utf8"));
  const missing = missingEntries(lock.packages);
  if (Object.keys(missing).length === 0) return;
  if (!process.argv.includes("--fix")) {
    console.error(
      `package-lock.json lacks optional packages of other platforms; make format adds them:\n${Object.keys(missing).join("\n")}`,
    );
    process.exitCode = 1;
    return;
  }
  const packages = { ...lock.packages, ...missing };
  lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en")));
  writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main();
