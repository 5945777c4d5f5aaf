import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../paths.mjs";

/** `gantry/`: the runner and the task process, each one file that needs no package beside it (IMAGE_LAYOUT.workerDir). */
export async function stageWorker(target) {
  await mkdir(join(target, "gantry"));
  // Exists before a version's layers do, so that the image starts, and says what it misses, without any.
  await mkdir(join(target, "app", "bundle"), { recursive: true });
  for (const file of ["runner.js", "task-process.js"])
    await copyFile(join(ROOT, "worker-image", "dist", file), join(target, "gantry", file));
  // Without it Node would first read them as CommonJS: 5 ms of every start.
  await writeFile(join(target, "gantry", "package.json"), '{ "type": "module" }\n');
}
