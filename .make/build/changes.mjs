import { stat } from "node:fs/promises";
import { join } from "node:path";
import { CACHE, ROOT } from "../paths.mjs";
import { newestOf, stampedAt, stampNow } from "./stamp.mjs";

/** Declarations are not always built, so they have a stamp of their own. */
const stampOf = (types) => join(CACHE, types ? "types.stamp" : "build.stamp");
const INPUTS = [
  "{sdk,worker-image,platform}/src/**/*.{ts,tsx}",
  "{sdk,worker-image,platform}/package.json",
  "platform/dashboard/{src,public}/**/*",
  "platform/dashboard/{index.html,package.json,vite.config.ts}",
  "prisma/**/*",
  ".make/build/**",
];

/** Whether an input is newer than the last build that succeeded, or an output is gone. */
export async function changedSince({ types }) {
  const outputs = [
    "sdk/dist/index.js",
    "worker-image/dist/runner.js",
    "platform/dist/main.js",
    "platform/dist/dashboard/index.html",
  ];
  if (types) outputs.push("sdk/dist/index.d.ts");
  for (const output of outputs) if (!(await stat(join(ROOT, output)).catch(() => undefined))) return true;
  return (await newestOf(INPUTS)) > (await stampedAt(stampOf(types)));
}

export async function markBuilt(startedAt, { types }) {
  for (const stamp of types ? [stampOf(true), stampOf(false)] : [stampOf(false)]) await stampNow(stamp, startedAt);
}
