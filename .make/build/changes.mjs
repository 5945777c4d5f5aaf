import { glob, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CACHE, ROOT } from "../paths.mjs";

/** Declarations are not always built, so they have a stamp of their own. */
const stampOf = (types) => join(CACHE, types ? "types.stamp" : "build.stamp");
const INPUTS = [
  "{sdk,worker-image,platform}/src/**/*.ts",
  "{sdk,worker-image,platform}/package.json",
  "prisma/**/*",
  ".make/build/**",
];

const changedAt = async (path) => (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;

/** Whether an input is newer than the last build that succeeded, or an output is gone. */
export async function changedSince({ types }) {
  const builtAt = await changedAt(stampOf(types));
  const outputs = ["sdk/dist/index.js", "worker-image/dist/runner.js", "platform/dist/main.js"];
  if (types) outputs.push("sdk/dist/index.d.ts");
  for (const output of outputs) if ((await changedAt(join(ROOT, output))) === 0) return true;
  for await (const input of glob(INPUTS, { cwd: ROOT })) {
    if (!input.endsWith(".test.ts") && (await changedAt(join(ROOT, input))) > builtAt) return true;
  }
  return false;
}

/** Dated at the build's start: what was edited while it ran is built again. */
export async function markBuilt(startedAt, { types }) {
  for (const stamp of types ? [stampOf(true), stampOf(false)] : [stampOf(false)]) {
    await writeFile(stamp, "");
    await utimes(stamp, startedAt, startedAt);
  }
}
