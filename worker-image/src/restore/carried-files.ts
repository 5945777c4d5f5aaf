import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { link, lstat, lutimes, mkdir, open, rm, symlink } from "node:fs/promises";
import { dirname, normalize } from "node:path";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { extract, type Header } from "tar-stream";

const WRITE_ANEW = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

/** An entry that must not be in a checkpoint: it would be outside of the folders that are carried, or is no file. */
export class EntryRefused extends Error {
  override name = "EntryRefused";
}

/** Where an entry is to be, as an absolute path. Error: EntryRefused. Pure. */
export function placeOf(name: string, folders: readonly string[]): string {
  const shown = JSON.stringify(name.slice(0, 200));
  if (name.includes("\0")) throw new EntryRefused(`${shown} is no path`);
  if (name.split("/").includes("..")) throw new EntryRefused(`${shown} leads upwards`);
  const path = normalize(`/${name}`).replace(/(?<=.)\/+$/, "");
  if (folders.some((folder) => path === folder || path.startsWith(`${folder}/`))) return path;
  throw new EntryRefused(`${shown} is not below ${folders.join(" or ")}`);
}

/**
 * Writes the files of a tar back to where they were, with modes, times and, for root, owners. What is there already is replaced.
 * Only below `folders` (absolute), never through a symbolic link, and only files, folders, links and named pipes.
 *
 * Errors: EntryRefused, before anything of that entry is written; the stream's and the disk's own.
 */
export async function writeCarried(tar: Readable, folders: readonly string[], signal: AbortSignal): Promise<void> {
  const places = new Places(folders);
  const reader = extract();
  const writing = (async () => {
    const times: { path: string; mtime: number | Date }[] = [];
    for await (const entry of reader as AsyncIterable<Readable & { header: Header }>) {
      const path = await writeEntry(entry, entry.header, places);
      entry.resume();
      const { type } = entry.header;
      const pax = entry.header.pax as { mtime?: string } | null | undefined;
      // Seconds with their fraction, where the archive has them.
      const mtime = pax?.mtime === undefined ? entry.header.mtime : Number(pax.mtime);
      // A folder's time changes with what is put into it. A carried folder itself is the pod's: a volume, of another owner.
      if (mtime && type !== "link" && !folders.includes(path)) times.push({ path, mtime });
    }
    for (const { path, mtime } of times.reverse()) await lutimes(path, mtime, mtime);
  })();
  writing.catch((error: Error) => reader.destroy(error));
  await Promise.all([writing, pipeline(tar, reader as unknown as Writable, { signal })]);
}

/** Returns the path. */
async function writeEntry(content: Readable, header: Header, places: Places): Promise<string> {
  const path = placeOf(header.name, places.folders);
  await places.ensureFolder(dirname(path), path);
  const mode = header.mode ?? 0o600;
  switch (header.type) {
    case "directory":
      await places.ensureFolder(path, path);
      if (!places.folders.includes(path))
        await withOpen(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW, 0, header, mode);
      return path;
    case "file":
    case "contiguous-file":
      await rm(path, { force: true });
      await withOpen(path, WRITE_ANEW, 0o600, header, mode, content);
      return path;
    case "symlink":
      await rm(path, { force: true });
      await symlink(header.linkname ?? "", path);
      return path;
    case "link": {
      const target = placeOf(header.linkname ?? "", places.folders);
      await places.ensureFolder(dirname(target), target);
      await rm(path, { force: true });
      await link(target, path);
      return path;
    }
    case "fifo":
      await rm(path, { force: true });
      // Node has no call for it.
      await promisify(execFile)("mkfifo", ["-m", (mode & 0o777).toString(8), "--", path]);
      return path;
    default:
      throw new EntryRefused(`${JSON.stringify(header.name)} is a ${header.type ?? "nothing"}`);
  }
}

async function withOpen(
  path: string,
  flags: number,
  made: number,
  { uid, gid }: Header,
  mode: number,
  content?: Readable,
): Promise<void> {
  const file = await open(path, flags, made);
  try {
    if (content) for await (const chunk of content) await writeAll(file, chunk as Buffer);
    if (process.getuid?.() === 0) await file.chown(uid ?? 0, gid ?? 0);
    // Never what would run as another user.
    await file.chmod(mode & 0o1777);
  } finally {
    await file.close();
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, bytes: Buffer): Promise<void> {
  for (let from = 0; from < bytes.length; ) from += (await file.write(bytes, from)).bytesWritten;
}

/** The folders that are carried, and those below them that are known to be folders. */
class Places {
  readonly folders: readonly string[];
  readonly #known = new Set<string>();

  constructor(folders: readonly string[]) {
    this.folders = folders;
  }

  /** Error: EntryRefused where something else is there, a symbolic link say. */
  async ensureFolder(path: string, forEntry: string): Promise<void> {
    if (this.#known.has(path)) return;
    const isRoot = this.folders.includes(path);
    // Above a carried folder it is the image's business.
    if (!isRoot && !this.folders.some((folder) => path.startsWith(`${folder}/`))) return;
    if (!isRoot) await this.ensureFolder(dirname(path), forEntry);
    const there = await lstat(path).catch(() => undefined);
    if (!there) await mkdir(path, { recursive: isRoot });
    else if (!there.isDirectory()) throw new EntryRefused(`${forEntry} would be written through ${path}`);
    this.#known.add(path);
  }
}
