import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as esbuild from "esbuild";
import { ROOT } from "../paths.mjs";
import { leanKubernetesClient, REQUIRE_BANNER } from "./lean-kubernetes-client.mjs";
import { quickBuiltins } from "./quick-builtins.mjs";

/** What is built: entries of one group share chunks, so that a class is one class for all of them. */
const GROUPS = [
  {
    folder: "sdk",
    format: "esm",
    entries: ["index", "contract/index", "react/index", "task/index", "testing/index", "build/index"],
  },
  { folder: "sdk", format: "cjs", entries: ["index", "contract/index", "react/index"] },
  { folder: "sdk", format: "esm", entries: ["cli/main", "cli/describe-process"], executable: true },
  { folder: "worker-image", format: "esm", entries: ["pid-file"] },
  // Libraries and all: they are loaded for every run, most of the libraries is shaken off, and an image needs no more.
  // What only some runs need is split off: in one file whatever it shares with the rest would be evaluated whole, 40 ms.
  { folder: "worker-image", format: "esm", entries: ["runner"], packages: "bundle", splitting: true },
  { folder: "worker-image", format: "esm", entries: ["task-process"], packages: "bundle" },
  // Split, so that what an adapter alone needs is loaded with it.
  {
    folder: "platform",
    format: "esm",
    entries: ["main"],
    executable: true,
    splitting: true,
    plugins: [leanKubernetesClient],
    banner: REQUIRE_BANNER,
  },
];

/** Errors: all groups are tried; the error lists every one that failed, with esbuild's messages. */
export async function bundleAll() {
  const results = await Promise.allSettled(GROUPS.map(bundle));
  const failures = results.flatMap((result) => (result.status === "rejected" ? [String(result.reason.message)] : []));
  if (failures.length > 0) throw new Error(failures.join("\n"));
}

async function bundle({
  folder,
  format,
  entries,
  executable = false,
  packages = "external",
  splitting = format === "esm" && entries.length > 1,
  plugins = packages === "bundle" ? [quickBuiltins] : [],
  banner = "",
}) {
  const source = join(ROOT, folder, "src");
  const { outputFiles } = await esbuild.build({
    entryPoints: entries.map((entry) => ({ in: join(source, `${entry}.ts`), out: entry })),
    outdir: join(ROOT, folder, "dist"),
    outExtension: { ".js": format === "cjs" ? ".cjs" : ".js" },
    bundle: true,
    write: false,
    platform: "node",
    target: "node22",
    format,
    splitting,
    chunkNames: "chunks/[name]-[hash]",
    packages,
    plugins,
    banner: { js: banner },
    // A file that imports and exports nothing would be taken for CommonJS by whoever reads it.
    footer: { js: packages === "bundle" ? "export {};" : "" },
    conditions: ["gantry-source"],
    sourcemap: "linked",
    sourcesContent: false,
    keepNames: true,
    logLevel: "silent",
    absWorkingDir: ROOT,
  });
  await Promise.all(outputFiles.map((file) => writeIfChanged(file, executable)));
}

/** By renaming: a program that starts meanwhile sees the old file or the new one, never half of one. */
async function writeIfChanged(file, executable) {
  const before = await readFile(file.path).catch(() => undefined);
  if (before?.equals(file.contents)) return;
  await mkdir(dirname(file.path), { recursive: true });
  const partial = `${file.path}.${process.pid}`;
  await writeFile(partial, file.contents);
  if (executable && !file.path.endsWith(".map")) await chmod(partial, 0o755);
  await rename(partial, file.path);
}
