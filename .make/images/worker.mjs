import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../paths.mjs";
import { freshFolder } from "./folder.mjs";

/** `gantry/`: the runner and the task process, each one file that needs no package beside it (IMAGE_LAYOUT.workerDir). */
export async function stageWorker(target) {
  await freshFolder(target, async (root) => {
    await mkdir(join(root, "gantry"));
    // Exists before a version's layers do, so that the image starts, and says what it misses, without any.
    await mkdir(join(root, "app", "bundle"), { recursive: true });
    for (const file of ["runner.js", "task-process.js"])
      await copyFile(join(ROOT, "worker-image", "dist", file), join(root, "gantry", file));
  });
}
