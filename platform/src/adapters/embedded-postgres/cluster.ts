import { randomBytes, randomUUID } from "node:crypto";
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Binaries } from "./binaries.ts";
import { run } from "./process.ts";
import type { ServerUser } from "./server-user.ts";

/** A cluster's folder and the password of its only user, which is kept beside the data, readable by its owner alone. */
export interface Cluster {
  dataDir: string;
  password: string;
}

export const CLUSTER_USER = "gantry";
const PASSWORD_FILE = "gantry-password";

/**
 * Makes the cluster unless it is there. It is made in a folder of its own and renamed when complete, so that a kill
 * halfway leaves nothing that looks like a cluster.
 */
export async function ensureCluster(
  dataDir: string,
  binaries: Binaries,
  user: ServerUser | undefined,
  isDurable: boolean,
): Promise<Cluster> {
  const exists = await stat(join(dataDir, "PG_VERSION")).catch(() => undefined);
  if (!exists) await initialise(dataDir, binaries, user, isDurable);
  const password = await readFile(join(dataDir, PASSWORD_FILE), "utf8").catch((cause: unknown) => {
    throw new Error(
      `${dataDir} holds a Postgres that Gantry did not make: choose another folder, or set DATABASE_URL.`,
      { cause },
    );
  });
  return { dataDir, password: password.trim() };
}

async function initialise(
  dataDir: string,
  binaries: Binaries,
  user: ServerUser | undefined,
  isDurable: boolean,
): Promise<void> {
  const partial = `${dataDir}.${randomUUID().slice(0, 8)}`;
  const passwordFile = `${partial}.password`;
  await mkdir(dirname(dataDir), { recursive: true });
  await mkdir(partial, { mode: 0o700 });
  await writeFile(passwordFile, randomBytes(18).toString("base64url"), { mode: 0o600 });
  try {
    if (user) for (const path of [partial, passwordFile]) await chown(path, user.uid, user.gid);
    const args = [
      "-D",
      partial,
      "-U",
      CLUSTER_USER,
      "--pwfile",
      passwordFile,
      "--auth",
      "scram-sha-256",
      "--no-instructions",
    ];
    // The builtin provider sorts the same on every system and needs no locale installed.
    args.push("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8");
    if (!isDurable) args.push("--no-sync");
    await run(binaries.initdb, args, user);
    await rename(passwordFile, join(partial, PASSWORD_FILE));
    await rename(partial, dataDir);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    await rm(passwordFile, { force: true });
    throw error;
  }
}

/** A folder that the server's user can enter: its ancestors that we make are opened to others, its own content is not. */
export async function ensureTraversable(folder: string): Promise<void> {
  if (await mkdir(folder, { recursive: true })) await chmod(folder, 0o755);
}
