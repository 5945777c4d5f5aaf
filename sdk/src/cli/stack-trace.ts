import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { sdkRoot } from "./bundle/project-root.ts";

const FILE_URL = /file:\/\/\/?[^\s)]+?(?=:\d+(?::\d+)?\)?$|\)?$)/gm;
const INTERNAL = /\(node:|at node:|[/\\]node_modules[/\\]@gantry[/\\]/;

/**
 * A stack as the author of the task wants to read it: paths relative to the project, Node's and Gantry's own frames left
 * out. Processes that run tasks map their stacks to the sources already.
 */
export function readableStack(stack: string, projectDir: string): string {
  const folder = projectDir.endsWith(sep) ? projectDir : projectDir + sep;
  const own = sdkRoot() + sep;
  return stack
    .replace(FILE_URL, (url) => toPath(url))
    .split("\n")
    .filter((line) => !(line.trimStart().startsWith("at ") && (INTERNAL.test(line) || line.includes(own))))
    .map((line) => line.replaceAll(folder, ""))
    .join("\n");
}

function toPath(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
