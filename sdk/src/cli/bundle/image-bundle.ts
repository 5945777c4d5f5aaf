import { createHash } from "node:crypto";
import { join, relative, sep } from "node:path";
import { type BuildFailure, build } from "esbuild";
import { buildFailed, buildOptions, noTaskFiles, outsideRules } from "./bundler.ts";
import type { ProjectConfig } from "./config-file.ts";
import type { StartedExtensions } from "./extensions.ts";
import { withImagePaths } from "./image-source-maps.ts";
import { mayWait } from "./may-wait.ts";
import { nativePlugin, type OutsidePackage } from "./resolve-plugins.ts";
import { findTaskFiles } from "./task-files.ts";

/** The bundle of an image: its files in memory, and what it expects to be installed beside it. */
export interface ImageBundle {
  /** Of names and contents; the same code has the same on every machine. */
  hash: string;
  /** Sorted by name; names with forward slashes. */
  files: { name: string; contents: Uint8Array }[];
  entry: string;
  outside: OutsidePackage[];
  /** See may-wait.ts. */
  mayWait: boolean;
}

/** The worker image's Node, whatever this machine has. */
export const IMAGE_NODE_MAJOR = 24;

/** Where the bundle of a deploy lies while it is looked at; source maps are relative to a folder in it. */
export function deployDir(projectDir: string): string {
  return join(projectDir, ".gantry", "deploy");
}

/**
 * Bundles the project for an image. Its source maps name files by their path in the image.
 * Errors: NO_TASK_FILES, BUILD_FAILED (with esbuild's messages).
 */
export async function bundleForImage(config: ProjectConfig, extensions?: StartedExtensions): Promise<ImageBundle> {
  if (findTaskFiles(config).tasks.length === 0) throw noTaskFiles(config);
  const outside = new Map<string, OutsidePackage>();
  const outdir = join(deployDir(config.projectDir), "next");
  const native = nativePlugin(outsideRules(config, extensions), (found) =>
    outside.set(`${found.name}\0${found.folder}`, found),
  );
  const options = buildOptions(config, { outdir, nodeMajor: IMAGE_NODE_MAJOR, root: undefined, extensions }, [native]);
  const { outputFiles = [], metafile } = await build(options).catch(async (error: BuildFailure) => {
    throw Array.isArray(error.errors) ? await buildFailed(error.errors) : error;
  });
  const files = outputFiles.map(({ path, contents }) => {
    const name = relative(outdir, path).split(sep).join("/");
    return {
      name,
      contents: name.endsWith(".map") ? withImagePaths(config.projectDir, path, name, contents) : contents,
    };
  });
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  const digest = createHash("sha256");
  for (const { name, contents } of files) digest.update(name).update("\0").update(contents).update("\0");
  const found = [...outside.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const waits = mayWait(config.projectDir, metafile);
  return { hash: digest.digest("hex"), files, entry: "entry.mjs", outside: found, mayWait: waits };
}
