import { glob, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../paths.mjs";

const changedAt = async (path) => (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;

/** When the newest file that fits the patterns was changed, tests left out; milliseconds. */
export async function newestOf(patterns) {
  let newest = 0;
  for await (const input of glob(patterns, { cwd: ROOT })) {
    if (!/\.test\.tsx?$/.test(input)) newest = Math.max(newest, await changedAt(join(ROOT, input)));
  }
  return newest;
}

export const stampedAt = changedAt;

/** Dated at the build's start: what was edited while it ran is built again. */
export async function stampNow(path, startedAt) {
  await writeFile(path, "");
  await utimes(path, startedAt, startedAt);
}
