import { copyFile, cp, mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { ROOT } from "../paths.mjs";
import { freshFolder } from "./folder.mjs";
import { modulesInUse } from "./modules-in-use.mjs";

const DIST = join(ROOT, "worker-image", "dist");

/**
 * `files/gantry/`: the runner and the task process, which need no package beside them (IMAGE_LAYOUT.workerDir).
 * `native/`: sources that only the image for process checkpoints compiles.
 */
export async function stageWorker(target) {
  await freshFolder(target, async (root) => {
    const files = join(root, "files");
    await mkdir(join(files, "gantry"), { recursive: true });
    // Exists before a version's layers do, so that the image starts, and says what it misses, without any.
    await mkdir(join(files, "app", "bundle"), { recursive: true });
    for (const path of await modulesInUse(["runner.js", "task-process.js"].map((file) => join(DIST, file)))) {
      const copy = join(files, "gantry", relative(DIST, path));
      await mkdir(dirname(copy), { recursive: true });
      await copyFile(path, copy);
    }
    await cp(join(ROOT, "worker-image", "native"), join(root, "native"), { recursive: true });
  });
}
