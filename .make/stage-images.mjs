// Lays out what the images add to their base, ready for worker-image/Dockerfile and platform/Dockerfile:
// `node .make/stage-images.mjs [worker] [platform]` → artifacts/images/<name>/. Nothing of it depends on a processor, and
// the same sources give the same bytes and dates.
import { lutimes, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { stagePlatform } from "./images/platform.mjs";
import { stageWorker } from "./images/worker.mjs";
import { ROOT } from "./paths.mjs";

const STAGES = { worker: stageWorker, platform: stagePlatform };
/** Seconds; as other builders read it. */
const EPOCH = Number(process.env.SOURCE_DATE_EPOCH ?? 0);

async function stage(name) {
  const target = join(ROOT, "artifacts", "images", name);
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  await STAGES[name](target);
  for (const entry of await readdir(target, { recursive: true })) await lutimes(join(target, entry), EPOCH, EPOCH);
  console.log(target);
}

const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : Object.keys(STAGES)) await stage(name);
