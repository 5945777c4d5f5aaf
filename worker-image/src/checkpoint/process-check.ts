import type { Dirent } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** What a process has that lies outside of its memory. */
export interface ProcessFindings {
  /** Names of the processes below it. */
  children: string[];
  /** What its descriptors lead to, as /proc gives it. */
  open: { target: string; isWritable: boolean }[];
  /** Files that it has mapped. */
  mapped: string[];
}

/**
 * Why a checkpoint would not bring this process along whole; undefined where it does. `carried`: folders whose files come along.
 * Files that are only read elsewhere are the image's, and the same in the next pod. Pure.
 */
export function whyNotStorable({ children, open, mapped }: ProcessFindings, carried: string[]): string | undefined {
  const [child] = children;
  if (child !== undefined) {
    const more = children.length > 1 ? ` and ${children.length - 1} more` : "";
    return `a process that it started is alive: ${child}${more}`;
  }
  for (const { target, isWritable } of open) {
    const why = whyNotCarried(target, isWritable, carried);
    if (why) return why;
  }
  const gone = mapped.find((target) => isDeleted(target) || target.startsWith("/SYSV"));
  return gone && `it has memory that others can share: ${gone}`;
}

function whyNotCarried(target: string, isWritable: boolean, carried: string[]): string | undefined {
  if (/^anon_inode:\[?(inotify|fanotify)\b/.test(target)) return "it watches files (fs.watch)";
  if (!target.startsWith("/") || IN_MEMORY.test(target)) return undefined;
  if (isDeleted(target)) return `it has a file open that was deleted: ${target.replace(/ \(deleted\)$/, "")}`;
  if (!isWritable || isDevice(target) || carried.some((folder) => target.startsWith(`${folder}/`))) return undefined;
  return `it has a file open for writing that is not below ${carried.join(" or ")}: ${target}`;
}

/** What has only ever been memory: CRIU stores its content. */
const IN_MEMORY = /^\/(memfd:|dev\/zero \(deleted\)|anon_hugepage)/;

function isDeleted(target: string): boolean {
  return target.endsWith(" (deleted)") && !IN_MEMORY.test(target);
}

function isDevice(target: string): boolean {
  return /^\/dev\/(null|zero|full|random|urandom)$/.test(target);
}

/** What in these folders cannot be brought along: a named pipe, a device. Undefined: all can. */
export async function whyNotPackable(folders: string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const entries: Dirent[] = await readdir(folder, { recursive: true, withFileTypes: true });
    const odd = entries.find((each) => each.isFIFO() || each.isBlockDevice() || each.isCharacterDevice());
    if (odd)
      return `there is a ${odd.isFIFO() ? "named pipe" : "device"} among its files: ${join(odd.parentPath, odd.name)}`;
  }
  return undefined;
}

/** Looks, without stopping the process. Errors: the process has ended, or is another user's. */
export async function lookAtProcess(pid: number, children: number[]): Promise<ProcessFindings> {
  const [open, maps, names] = await Promise.all([
    openOf(pid),
    readFile(`/proc/${pid}/maps`, "utf8"),
    Promise.all(children.map(nameOf)),
  ]);
  return { children: names, open, mapped: [...new Set(maps.match(/(?<=\s)\/.*$/gm) ?? [])] };
}

async function openOf(pid: number): Promise<ProcessFindings["open"]> {
  const numbers = await readdir(`/proc/${pid}/fd`);
  const found = await Promise.all(
    numbers.map(async (number) => {
      // It may have closed it meanwhile.
      const target = await readlink(`/proc/${pid}/fd/${number}`).catch(() => undefined);
      if (target === undefined) return [];
      const isFile = target.startsWith("/");
      return [{ target, isWritable: isFile && (await isWritable(pid, number)) }];
    }),
  );
  return found.flat();
}

const ACCESS_MODE = 0o3;

async function isWritable(pid: number, number: string): Promise<boolean> {
  const info = await readFile(`/proc/${pid}/fdinfo/${number}`, "utf8").catch(() => "");
  return (Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? "0", 8) & ACCESS_MODE) !== 0;
}

async function nameOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return line.replaceAll("\0", " ").trim().slice(0, 100) || `process ${pid}`;
}
