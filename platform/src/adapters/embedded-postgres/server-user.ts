import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** The user the server runs as; undefined means: as we do. */
export interface ServerUser {
  name: string;
  uid: number;
  gid: number;
}

const PREFERRED = ["postgres", "nobody"];

/**
 * Postgres refuses to run as root, and initdb looks its user up in /etc/passwd: so root needs a user that exists there.
 * `passwd` is the text of that file. Errors: none found, with what to do.
 */
export function chooseServerUser(passwd: string): ServerUser {
  const users = passwd
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length >= 4)
    .map(([name, , uid, gid]) => ({ name: name as string, uid: Number(uid), gid: Number(gid) }))
    .filter((user) => Number.isInteger(user.uid) && user.uid > 0);
  const chosen = PREFERRED.map((name) => users.find((user) => user.name === name)).find(Boolean) ?? users.at(-1);
  if (!chosen)
    throw new Error("Postgres cannot run as root, and /etc/passwd has no other user: set DATABASE_URL, or add a user.");
  return chosen;
}

/** A cluster that is already there keeps its owner. `owner` is the uid and gid of its folder. */
export async function serverUserFor(owner: { uid: number; gid: number } | undefined): Promise<ServerUser> {
  if (owner && owner.uid !== 0) return { name: String(owner.uid), ...owner };
  return chooseServerUser(await readFile("/etc/passwd", "utf8"));
}

export interface FolderMode {
  mode: number;
  uid: number;
  gid: number;
}

/** Whether a user may pass through a folder: the first of owner, group and others that applies decides. */
export function isTraversable(folder: FolderMode, user: { uid: number; gid: number }): boolean {
  if (folder.uid === user.uid) return (folder.mode & 0o100) !== 0;
  if (folder.gid === user.gid) return (folder.mode & 0o010) !== 0;
  return (folder.mode & 0o001) !== 0;
}

/** Whether the user can reach `path` (which need not exist yet) through every folder above it. */
export async function canReach(path: string, user: { uid: number; gid: number }): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined);
    if (found && !isTraversable(found, user)) return false;
    if (dirname(folder) === folder) return true;
  }
}
