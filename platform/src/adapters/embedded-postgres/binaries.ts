import { randomUUID } from "node:crypto";
import { chmod, cp, mkdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import type { Host } from "./host.ts";
import { canReach, type ServerUser } from "./server-user.ts";

/** A folder with bin, lib and share, ready to run as the server's user. */
export interface Binaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
}

/**
 * Finds the server in the npm package for this machine and makes it runnable.
 *
 * npm packages cannot hold symbolic links: the package lists them in native/pg-symlinks.json, and its own install
 * script (which makes them) does not run where scripts are off. So they are made here; where the package's folder is
 * read-only, or the server's user cannot reach it, a copy in the cache is used instead.
 *
 * Errors: the package is not installed, with the command that installs it.
 */
export async function locateBinaries(host: Host, user: ServerUser | undefined): Promise<Binaries> {
  const root = packageFolder(host.packageName);
  const usable = (!user || (await canReach(join(root, "native", "bin", "x"), user))) && (await linkLibraries(root));
  const folder = usable ? root : await cachedCopy(root, host);
  const bin = (name: "initdb" | "postgres" | "pg_ctl") => join(folder, "native", "bin", host.executable(name));
  return { initdb: bin("initdb"), postgres: bin("postgres"), pgCtl: bin("pg_ctl") };
}

function packageFolder(packageName: string): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(packageName)));
  } catch (cause) {
    throw new Error(
      `${packageName} is not installed: run npm install without --omit=optional, or set DATABASE_URL to a Postgres of your own.`,
      { cause },
    );
  }
}

/** Makes the links that are missing. False where the folder cannot be written to. */
async function linkLibraries(root: string): Promise<boolean> {
  const list = await readFile(join(root, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links: { source: string; target: string }[] = JSON.parse(list);
  for (const { source, target } of links) {
    const link = join(root, target);
    if (await stat(link).catch(() => undefined)) continue;
    try {
      await symlink(relative(dirname(link), join(root, source)), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
    }
  }
  return true;
}

/** Copies the package once; a copy that is cut short is never seen, as it is renamed only when complete. */
async function cachedCopy(root: string, host: Host): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const target = join(host.cacheDir, `${host.packageName.replaceAll(/[@/]/g, "")}-${version}`);
  if (await stat(target).catch(() => undefined)) return target;
  await mkdir(host.cacheDir, { recursive: true });
  if (host.dropsRoot) await chmod(host.cacheDir, 0o755);
  const partial = `${target}.${randomUUID()}`;
  await cp(root, partial, { recursive: true, verbatimSymlinks: true });
  await linkLibraries(partial);
  await rename(partial, target).catch(async (error: NodeJS.ErrnoException) => {
    await rm(partial, { recursive: true, force: true });
    // Another process has made the same copy in the meantime.
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST" && error.code !== "EPERM") throw error;
  });
  return target;
}
