import { isAbsolute } from "node:path";
import type { Plugin } from "esbuild";
import { envFilesOf } from "../connection.ts";
import type { ProjectConfig } from "./config-file.ts";
import { findTaskFiles, projectPath } from "./task-files.ts";

export const ENTRY = "gantry:entry";

/**
 * The module the bundle starts with. It imports each file by itself, so that one that throws is named in the error, and
 * tells the catalogue whose tasks these are. It is made anew in every build: a new file in a watched folder is part of
 * the next version.
 */
export function entryPlugin(config: ProjectConfig): Plugin {
  return {
    name: "gantry:entry",
    setup(build) {
      build.onResolve({ filter: /^gantry:entry$/ }, () => ({ path: ENTRY, namespace: "gantry" }));
      build.onLoad({ filter: /.*/, namespace: "gantry" }, () => {
        const files = findTaskFiles(config);
        return {
          contents: entrySource(config, [...files.init, ...files.tasks]),
          loader: "js" as const,
          resolveDir: config.projectDir,
          watchDirs: [config.projectDir, ...files.folders],
          watchFiles: [
            ...(config.configFile === undefined ? [] : [config.configFile]),
            ...envFilesOf(config.projectDir),
          ],
        };
      });
    },
  };
}

function entrySource({ projectDir, logLevel }: ProjectConfig, files: string[]): string {
  const loads = files.map((file) => {
    const name = projectPath(projectDir, file);
    // Relative: the text goes into the source map, which is the same on every machine.
    const path = name.startsWith("../") || isAbsolute(name) ? name : `./${name}`;
    return `await load(${JSON.stringify(name)}, () => import(${JSON.stringify(path)}));`;
  });
  const level = logLevel === undefined ? [] : [`setLogLevel(${JSON.stringify(logLevel)});`];
  return [LOADER, ...level, ...loads, ""].join("\n");
}

const LOADER = `
import { importTaskFile, setLogLevel } from "@gantry/sdk/task";
async function load(file, importFile) {
  try {
    await importTaskFile(file, importFile);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw Object.assign(new Error(file + " threw while it was imported: " + reason, { cause }), {
      name: "TaskFileError",
      code: "TASK_FILE_THREW",
      file,
    });
  }
}
`;
