import { createRequire, findPackageJSON } from "node:module";
import { join } from "node:path";
import type { Plugin } from "esbuild";
import type {
  BuildContext,
  BuildExtension,
  BuildLayer,
  BuildLogger,
  BuildManifest,
  BuildTarget,
} from "../../build/extension.ts";
import { CliError } from "../cli-error.ts";
import type { ProjectConfig } from "./config-file.ts";
import { type ImageNeeds, imageNeeds } from "./image-needs-policy.ts";

/** What extensions say while they work; `detail` is for those who look for a fault. */
export type ExtensionLog = (level: "detail" | "step" | "warning", text: string) => void;

/** What is known of a bundle once it is there. */
export interface BuiltFacts {
  contentHash: string;
  /** The environment's slug. */
  environment: string;
  branch?: string;
  /** An empty folder for files that go beside the bundle. */
  outputPath: string;
  externals: { name: string; version: string }[];
  /** The variables of the environment, as far as they may be read. */
  variables?: Record<string, string>;
}

/** The project's extensions after their first half: what the bundler needs, and their second half. */
export interface StartedExtensions {
  pluginsFirst: Plugin[];
  pluginsLast: Plugin[];
  external: string[];
  conditions: string[];
  /** Runs their second half. Error: EXTENSION_FAILED. */
  complete(facts: BuiltFacts): Promise<ImageNeeds>;
}

/** Runs the first half of the project's extensions. Error: EXTENSION_FAILED, with the extension's name and reason. */
export async function startExtensions(
  config: ProjectConfig,
  target: BuildTarget,
  log: ExtensionLog = () => undefined,
): Promise<StartedExtensions> {
  const { extensions } = config.build;
  const layers: BuildLayer[] = [];
  const plugins: { plugin: Plugin; placement: "first" | "last" }[] = [];
  const context = buildContext(config, target, log, {
    addLayer: (layer) => void layers.push(layer),
    registerPlugin: (plugin, options = {}) => {
      if ((options.target ?? target) === target) plugins.push({ plugin, placement: options.placement ?? "first" });
    },
  });
  for (const extension of extensions) await guarded(extension, () => extension.onBuildStart?.(context));
  const placed = (where: "first" | "last") =>
    plugins.filter((each) => each.placement === where).map((each) => each.plugin);
  return {
    pluginsFirst: placed("first"),
    pluginsLast: placed("last"),
    external: extensions.flatMap((extension) => extension.externalsForTarget?.(target) ?? []),
    conditions: layers.flatMap((layer) => layer.conditions ?? []),
    complete: async (facts) => {
      const started = layers.length;
      const manifest = manifestOf(config, target, facts);
      for (const extension of extensions)
        await guarded(extension, () => extension.onBuildComplete?.(context, manifest));
      const all = layers.slice();
      // A watched project is built again and again from one start.
      layers.length = started;
      return needsOf(all);
    },
  };
}

async function guarded(extension: BuildExtension, step: () => unknown): Promise<void> {
  try {
    await step();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("EXTENSION_FAILED", `The build extension ${extension.name} failed: ${reason}`, {
      remedy: "Correct it, or take it out of build.extensions.",
      cause,
    });
  }
}

function needsOf(layers: BuildLayer[]): ImageNeeds {
  try {
    return imageNeeds(layers);
  } catch (cause) {
    throw new CliError("EXTENSION_FAILED", `A build extension asks for what cannot be: ${(cause as Error).message}.`, {
      remedy: "Correct its options in build.extensions.",
      cause,
    });
  }
}

function buildContext(
  config: ProjectConfig,
  target: BuildTarget,
  log: ExtensionLog,
  hands: Pick<BuildContext, "addLayer" | "registerPlugin">,
): BuildContext {
  const { projectDir, project, dirNames, build, machine, maxDuration, logLevel } = config;
  return {
    target,
    workingDir: projectDir,
    config: {
      project,
      dirs: dirNames,
      build: { external: build.external, conditions: build.conditions },
      machine,
      maxDuration,
      logLevel,
      configFile: config.configFile,
      workingDir: projectDir,
      runtime: "node",
    },
    logger: extensionLogger(log),
    resolvePath: async (path) => resolved(projectDir, path),
    ...hands,
  };
}

function extensionLogger(log: ExtensionLog): BuildLogger {
  const say =
    (level: Parameters<ExtensionLog>[0]) =>
    (...words: unknown[]) =>
      log(level, words.map(text).join(" "));
  return {
    debug: say("detail"),
    log: say("step"),
    warn: say("warning"),
    progress: say("step"),
    spinner: (message) => {
      log("step", message);
      return { stop: say("step"), message: say("step") };
    },
  };
}

function text(word: unknown): string {
  if (word instanceof Error) return word.message;
  return typeof word === "string" ? word : JSON.stringify(word);
}

/** A package that has no module to import is found by its package.json. */
function resolved(projectDir: string, path: string): string | undefined {
  const from = join(projectDir, "package.json");
  try {
    return createRequire(from).resolve(path);
  } catch {
    try {
      return findPackageJSON(path, from);
    } catch {
      return undefined;
    }
  }
}

function manifestOf(config: ProjectConfig, target: BuildTarget, facts: BuiltFacts): BuildManifest {
  const { contentHash, environment, branch, outputPath, externals, variables } = facts;
  return {
    target,
    contentHash,
    environment,
    ...(branch !== undefined && { branch }),
    runtime: "node",
    config: { project: config.project, dirs: config.dirNames },
    outputPath,
    externals,
    files: [],
    sources: {},
    build: {},
    deploy: variables === undefined ? {} : { env: variables },
  };
}
