import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { IMAGE_LAYOUT } from "../contract/image-layout.ts";
import { sdkRoot } from "./bundle/project-root.ts";

const FILE_URL = /file:\/\/\/?[^\s)]+?(?=:\d+(?::\d+)?\)?$|\)?$)/gm;
/** Sources have the same path below an image's bundle as in the project. */
const IN_IMAGE = new RegExp(`(^|[\\s(])${IMAGE_LAYOUT.bundleDir}/`, "g");
const INTERNAL = new RegExp(
  `\\(node:|at node:|[/\\\\]node_modules[/\\\\]@gantry[/\\\\]|[\\s(]${IMAGE_LAYOUT.workerDir}/[a-z-]+\\.js:`,
);

/**
 * A stack as the author of the task wants to read it: paths relative to the project, Node's and Gantry's own frames left
 * out. Processes that run tasks map their stacks to the sources already.
 */
export function readableStack(stack: string, projectDir: string): string {
  const folder = projectDir.endsWith(sep) ? projectDir : projectDir + sep;
  const own = ownFolders();
  return stack
    .replace(FILE_URL, (url) => toPath(url))
    .split("\n")
    .filter(
      (line) =>
        !(line.trimStart().startsWith("at ") && (INTERNAL.test(line) || own.some((root) => line.includes(root)))),
    )
    .map((line) => line.replaceAll(folder, "").replaceAll(IN_IMAGE, "$1"))
    .join("\n");
}

let known: string[] | undefined;

/** Where Gantry's packages lie when they are not in a node_modules folder, as in Gantry's own repository. */
function ownFolders(): string[] {
  known ??= [sdkRoot() + sep, ...workerRoot()];
  return known;
}

function workerRoot(): string[] {
  try {
    return [dirname(createRequire(join(sdkRoot(), "package.json")).resolve("@gantry/worker/package.json")) + sep];
  } catch {
    return [];
  }
}

function toPath(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
