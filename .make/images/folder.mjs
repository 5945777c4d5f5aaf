import { lutimes, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Seconds; as other builders read it. */
const EPOCH = Number(process.env.SOURCE_DATE_EPOCH ?? 0);

/** Makes a folder anew by `fill`, then dates all that is in it alike. */
export async function freshFolder(path, fill) {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
  await fill(path);
  for (const entry of await readdir(path, { recursive: true })) await lutimes(join(path, entry), EPOCH, EPOCH);
}
