// Lays out what the images add to their base, as contexts for worker-image/Dockerfile (and .checkpoints) and platform/Dockerfile:
// `node .make/stage-images.mjs [worker] [platform]` → artifacts/images/<name>/. Nothing of it depends on a processor, and
// the same sources give the same bytes and dates.
import { join } from "node:path";
import { stagePlatform } from "./images/platform.mjs";
import { stageWorker } from "./images/worker.mjs";
import { ROOT } from "./paths.mjs";

const STAGES = { worker: stageWorker, platform: stagePlatform };

const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : Object.keys(STAGES)) {
  const target = join(ROOT, "artifacts", "images", name);
  await STAGES[name](target);
  console.log(target);
}
