import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { BuildOptions, BuildResult, Message, Plugin } from "esbuild";
import { CliError } from "../cli-error.ts";
import { commonJsImportsPlugin } from "./commonjs-imports.ts";
import type { ProjectConfig } from "./config-file.ts";
import { ENTRY, entryPlugin } from "./entry-module.ts";
import { type ExtensionLog, type StartedExtensions, startExtensions } from "./extensions.ts";
import { chunkBanner, LOCATION_NAMES, locationsPlugin } from "./file-locations.ts";
import { mayWait } from "./may-wait.ts";
import { compatPlugin, nativePlugin, type OutsideRules, sdkPlugin } from "./resolve-plugins.ts";
import { findTaskFiles } from "./task-files.ts";

/** A folder of built code, named after its content and never written again. */
export interface Bundle {
  hash: string;
  dir: string;
  /** Relative to `dir`. */
  entry: string;
  /** See may-wait.ts. */
  mayWait: boolean;
}

export type BuildOutcome =
  | { ok: true; bundle: Bundle; durationMs: number }
  | { ok: false; error: CliError; durationMs: number };

/** Where a project's bundles are. They lie in the project, so that packages left outside are found in its node_modules. */
export function bundlesDir(projectDir: string): string {
  return join(projectDir, ".gantry", "dev", "bundles");
}

/** Bundles the project once. Errors: NO_TASK_FILES, BUILD_FAILED (with esbuild's messages). */
export async function bundleOnce(config: ProjectConfig): Promise<Bundle> {
  const outcomes: BuildOutcome[] = [];
  const session = await startBundler(config, (outcome) => outcomes.push(outcome));
  try {
    await session.rebuild();
  } finally {
    await session.dispose();
  }
  const outcome = outcomes[0];
  if (outcome === undefined) throw new Error("esbuild ended without an outcome");
  if (!outcome.ok) throw outcome.error;
  return outcome.bundle;
}

export interface BundlerSession {
  rebuild(): Promise<void>;
  /** Builds at once, and again whenever a file that went into the bundle changes. */
  watch(): Promise<void>;
  dispose(): Promise<void>;
}

/** Prepares builds of the project; `onOutcome` hears of each, `log` what extensions say. */
export async function startBundler(
  config: ProjectConfig,
  onOutcome: (outcome: BuildOutcome) => void,
  log?: ExtensionLog,
): Promise<BundlerSession> {
  const started = await startExtensions(config, "dev", log).catch((error: CliError) => error);
  // Loaded here, so that commands that bundle nothing need no esbuild: the platform's image has none.
  const { context } = await import("esbuild");
  const esbuild = await context(devOptions(config, started, onOutcome));
  return {
    // A failed build rejects too; it has been told to onOutcome already.
    rebuild: () =>
      esbuild
        .rebuild()
        .then(undefined, () => undefined)
        .then(() => undefined),
    watch: () => esbuild.watch(),
    dispose: () => esbuild.dispose(),
  };
}

/** Extensions that failed to start fail each build, so that a project that is watched can be corrected. */
function devOptions(
  config: ProjectConfig,
  started: StartedExtensions | CliError,
  onOutcome: (outcome: BuildOutcome) => void,
): BuildOptions {
  const { projectDir } = config;
  const extensions = started instanceof Error ? undefined : started;
  const native = nativePlugin(outsideRules(config, extensions));
  const conclude = async (result: BuildResult) => {
    if (started instanceof Error) return { ok: false as const, error: started };
    return await concluded(config, result, started).catch(asFailure);
  };
  return buildOptions(
    config,
    {
      // The build's own folder is as deep as the final one, so that relative paths in source maps hold.
      outdir: join(bundlesDir(projectDir), "next"),
      nodeMajor: Math.min(Number(process.versions.node.split(".")[0]), 24),
      root: projectDir,
      extensions,
    },
    [native, outcomePlugin(conclude, onOutcome)],
  );
}

export function outsideRules(config: ProjectConfig, extensions: StartedExtensions | undefined): OutsideRules {
  const { external, autoDetectExternal } = config.build;
  return {
    projectDir: config.projectDir,
    external: [...external, ...(extensions?.external ?? [])],
    detectsNative: autoDetectExternal,
  };
}

function asFailure(error: unknown): { ok: false; error: CliError } {
  if (error instanceof CliError) return { ok: false, error };
  throw error;
}

export interface BuildPlace {
  outdir: string;
  nodeMajor: number;
  /** The folder that code is told to be in; undefined where that is the bundle's, wherever it will be. */
  root: string | undefined;
  extensions: StartedExtensions | undefined;
}

/** How every bundle is built, for this machine or for an image. Nothing is written. */
export function buildOptions(
  config: ProjectConfig,
  { outdir, nodeMajor, root, extensions }: BuildPlace,
  last: Plugin[],
): BuildOptions {
  return {
    entryPoints: { entry: ENTRY },
    outdir,
    absWorkingDir: config.projectDir,
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    target: `node${nodeMajor}`,
    outExtension: { ".js": ".mjs" },
    chunkNames: "chunks/[name]-[hash]",
    assetNames: "assets/[name]-[hash]",
    sourcemap: "linked",
    sourcesContent: true,
    keepNames: true,
    jsx: "automatic",
    legalComments: "none",
    logLevel: "silent",
    loader: { ".wasm": "binary", ".node": "copy", ".txt": "text", ".sql": "text", ".md": "text" },
    conditions: [...config.build.conditions, ...(extensions?.conditions ?? []), "module"],
    define: LOCATION_NAMES,
    banner: { js: chunkBanner(root) },
    plugins: [
      entryPlugin(config),
      ...(extensions?.pluginsFirst ?? []),
      ...config.build.plugins,
      ...(extensions?.pluginsLast ?? []),
      ...(config.compat ? [compatPlugin()] : []),
      sdkPlugin(),
      commonJsImportsPlugin(config.projectDir),
      locationsPlugin(config.projectDir, root),
      ...last,
    ],
  };
}

type Conclusion = { ok: true; bundle: Bundle } | { ok: false; error: CliError };

function outcomePlugin(
  conclude: (result: BuildResult) => Promise<Conclusion>,
  onOutcome: (outcome: BuildOutcome) => void,
): Plugin {
  return {
    name: "gantry:outcome",
    setup(build) {
      let startedAt = 0;
      build.onStart(() => {
        startedAt = performance.now();
      });
      build.onEnd(async (result) => {
        const outcome = await conclude(result);
        onOutcome({ ...outcome, durationMs: performance.now() - startedAt });
      });
    },
  };
}

async function concluded(
  config: ProjectConfig,
  result: BuildResult,
  extensions: StartedExtensions,
): Promise<Conclusion> {
  if (result.errors.length > 0) return { ok: false, error: await buildFailed(result.errors) };
  if (findTaskFiles(config).tasks.length === 0) return { ok: false, error: noTaskFiles(config) };
  const written = writeBundle(config, result.outputFiles ?? []);
  const bundle = { ...written, mayWait: mayWait(config.projectDir, result.metafile) };
  // Runs start in the project here: files that extensions would add to an image are there already.
  const outputPath = join(bundlesDir(config.projectDir), "..", "extension-files");
  await extensions.complete({ contentHash: bundle.hash, environment: "dev", outputPath, externals: [] });
  return { ok: true, bundle };
}

export async function buildFailed(errors: Message[]): Promise<CliError> {
  const { formatMessages } = await import("esbuild");
  const messages = await formatMessages(errors, { kind: "error", color: false });
  return new CliError("BUILD_FAILED", `The tasks do not build:\n${messages.join("").trimEnd()}`, {
    remedy: "Correct the code.",
  });
}

export function noTaskFiles(config: Pick<ProjectConfig, "projectDir" | "dirNames">): CliError {
  return new CliError(
    "NO_TASK_FILES",
    `No task files were found in ${config.projectDir}; looked in ${config.dirNames.join(", ")}.`,
    { remedy: "Run `gantry init` to get an example, or name your folders in `dirs` of gantry.config.ts." },
  );
}

/** Writes the files beside their final place and moves the folder there: a folder with a hash is always whole. */
function writeBundle(config: ProjectConfig, files: NonNullable<BuildResult["outputFiles"]>): Omit<Bundle, "mayWait"> {
  const root = bundlesDir(config.projectDir);
  const built = files.map((file) => ({ name: relative(join(root, "next"), file.path), contents: file.contents }));
  built.sort((a, b) => (a.name < b.name ? -1 : 1));
  const digest = createHash("sha256");
  for (const file of built) digest.update(file.name).update("\0").update(file.contents).update("\0");
  const hash = digest.digest("hex").slice(0, 16);
  const dir = join(root, hash);
  if (existsSync(dir)) {
    // Old bundles are removed by age, and this one is in use again.
    utimesSync(dir, new Date(), new Date());
    return { hash, dir, entry: "entry.mjs" };
  }
  const draft = join(root, `${hash}.${process.pid}.draft`);
  for (const file of built) {
    const path = join(draft, file.name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.contents);
  }
  try {
    renameSync(draft, dir);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(dir)) throw error;
  }
  return { hash, dir, entry: "entry.mjs" };
}
