import { copyFile, cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../paths.mjs";
import { freshFolder } from "./folder.mjs";

/**
 * `files/gantry/`: the runner and the task process, each one file that needs no package beside it (IMAGE_LAYOUT.workerDir).
 * `native/`: sources that only the image for process checkpoints compiles.
 */
export async function stageWorker(target) {
  await freshFolder(target, async (root) => {
    const files = join(root, "files");
    await mkdir(join(files, "gantry"), { recursive: true });
    // Exists before a version's layers do, so that the image starts, and says what it misses, without any.
    await mkdir(join(files, "app", "bundle"), { recursive: true });
    for (const file of ["runner.js", "task-process.js"])
      await copyFile(join(ROOT, "worker-image", "dist", file), join(files, "gantry", file));
    await cp(join(ROOT, "worker-image", "native"), join(root, "native"), { recursive: true });
  });
}
