import { readdirSync } from "node:fs";
import { basename, join, matchesGlob, relative, sep } from "node:path";
import type { ProjectConfig } from "./config-file.ts";

const CODE = /\.(ts|tsx|mts|cts|js|jsx|mjs|cjs)$/;
const NOT_A_TASK = /(\.(test|spec)\.[a-z]+|\.d\.[mc]?ts)$/;
const INIT = /^init\.(ts|tsx|mts|cts|js|jsx|mjs|cjs)$/;

export interface TaskFiles {
  /** Absolute paths in a stable order; `init.*` files first. */
  init: string[];
  tasks: string[];
  /** Every folder that was looked at and exists, for watching. */
  folders: string[];
}

/** Finds the task files of a project. Folders that do not exist are skipped; node_modules and dot folders are not entered. */
export function findTaskFiles(config: Pick<ProjectConfig, "projectDir" | "dirs" | "ignorePatterns">): TaskFiles {
  const found: TaskFiles = { init: [], tasks: [], folders: [] };
  const seen = new Set<string>();
  for (const dir of config.dirs) walk(dir, true);
  return found;

  function walk(folder: string, isTop: boolean): void {
    if (seen.has(folder)) return;
    seen.add(folder);
    const entries = list(folder);
    if (entries === undefined) return;
    found.folders.push(folder);
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== "node_modules" && !entry.name.startsWith(".")) walk(path, false);
      } else if (isTaskFile(path)) {
        (isTop && INIT.test(entry.name) ? found.init : found.tasks).push(path);
      }
    }
  }

  function isTaskFile(path: string): boolean {
    if (!CODE.test(path) || NOT_A_TASK.test(basename(path))) return false;
    const name = projectPath(config.projectDir, path);
    return !config.ignorePatterns.some((pattern) => matchesGlob(name, pattern));
  }
}

function list(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return undefined;
  }
}

/** A path as messages and the manifest show it: relative to the project, with forward slashes. */
export function projectPath(projectDir: string, path: string): string {
  return relative(projectDir, path).split(sep).join("/");
}
