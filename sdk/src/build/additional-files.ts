import { cp, glob, mkdir, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import type { BuildExtension } from "./extension.ts";

/**
 * Brings files along that the code reads when it runs. They keep their path in the project (`..` at its start is left
 * off), beside the code that is built from the same folder: `join(import.meta.dirname, "template.html")` finds them.
 *
 * `files` are globs relative to the project. `gantry dev` runs in the project, where the files are already.
 */
export function additionalFiles({ files }: { files: string[] }): BuildExtension {
  return {
    name: "additionalFiles",
    async onBuildComplete({ target, workingDir, logger }, { outputPath }) {
      if (target !== "deploy") return;
      for (const pattern of files) {
        const found = await filesOf(workingDir, pattern);
        if (found.length === 0) logger.warn(`additionalFiles: nothing is called ${pattern}.`);
        for (const file of found) await copyInto(outputPath, workingDir, file);
      }
    },
  };
}

/** Sorted, so that the same files give the same layer. A leading `./` or `../` is no part of a pattern. */
async function filesOf(workingDir: string, pattern: string): Promise<string[]> {
  const [, above = "", rest = ""] = /^((?:\.{1,2}\/)*)(.*)$/s.exec(pattern) ?? [];
  const cwd = resolve(workingDir, above);
  const found: string[] = [];
  for await (const name of glob(rest, { cwd, exclude: (entry) => entry === ".git" })) {
    const file = join(cwd, name);
    if ((await stat(file)).isFile()) found.push(file);
  }
  return found.sort();
}

async function copyInto(outputPath: string, workingDir: string, file: string): Promise<void> {
  const inside = relative(workingDir, file)
    .split(sep)
    .filter((part) => part !== "..");
  const target = join(outputPath, ...inside);
  await mkdir(dirname(target), { recursive: true });
  await cp(file, target);
}
