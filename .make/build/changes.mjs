import { glob, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CACHE, ROOT } from "../paths.mjs";

const STAMP = join(CACHE, "build.stamp");
const INPUTS = ["{sdk,worker-image,platform}/src/**/*.ts", "{sdk,worker-image,platform}/package.json", "prisma/**/*", ".make/build/**"];

const changedAt = async (path) => (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;

/** Whether an input is newer than the last build that succeeded, or an output is gone. */
export async function changedSince() {
  const builtAt = await changedAt(STAMP);
  const outputs = ["sdk/dist/index.js", "worker-image/dist/runner.js", "platform/dist/main.js"];
  for (const output of outputs) if ((await changedAt(join(ROOT, output))) === 0) return true;
  for await (const input of glob(INPUTS, { cwd: ROOT })) {
    if (!input.endsWith(".test.ts") && (await changedAt(join(ROOT, input))) > builtAt) return true;
  }
  return false;
}

/** Dated at the build's start: what was edited while it ran is built again. */
export async function markBuilt(startedAt) {
  await writeFile(STAMP, "");
  await utimes(STAMP, startedAt, startedAt);
}
