import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { z } from "zod";
import type { BuildExtension } from "../../build/extension.ts";
import type { GantryConfig } from "../../config.ts";
import type { Checkpoint } from "../../contract/checkpoint.ts";
import { readCheckpoint } from "../../contract/checkpoint-option.ts";
import { IMAGE_PLATFORMS, type ImagePlatform } from "../../contract/image-layout.ts";
import { machineName } from "../../contract/machine-presets.ts";
import { retrySchema } from "../../contract/manifest.ts";
import { CliError } from "../cli-error.ts";
import { compatPlugin, keepPackagesOutside } from "./resolve-plugins.ts";

const CONFIG_FILES = ["gantry.config", "trigger.config"].flatMap((name) =>
  ["ts", "mts", "js", "mjs"].map((extension) => `${name}.${extension}`),
);
const DEFAULT_DIRS = ["./tasks", "./trigger", "./src/tasks", "./src/trigger"];
const RESERVED_PROJECT = "gantry";

const plainRetry = z.looseObject(retrySchema.shape);
const machineSchema = z.union([z.string(), z.object({ preset: z.string() })]);
const buildSchema = z.looseObject({
  external: z.array(z.union([z.string(), z.instanceof(RegExp)])).optional(),
  conditions: z.array(z.string()).optional(),
  plugins: z.array(z.custom<Plugin>((plugin) => typeof (plugin as Plugin)?.setup === "function")).optional(),
  extensions: z
    .array(z.custom<BuildExtension>((extension) => typeof (extension as BuildExtension)?.name === "string"))
    .optional(),
  autoDetectExternal: z.boolean().optional(),
  pure: z.array(z.string()).optional(),
  baseImage: z.string().min(1).max(512).optional(),
  platforms: z.array(z.enum(IMAGE_PLATFORMS)).min(1).optional(),
});
const configSchema = z.strictObject({
  project: z.string().optional(),
  dirs: z.array(z.string()).optional(),
  ignorePatterns: z.array(z.string()).optional(),
  retries: z.strictObject({ enabledInDev: z.boolean().optional(), default: plainRetry.optional() }).optional(),
  maxDuration: z.number().positive().optional(),
  machine: machineSchema.optional(),
  checkpoint: z.unknown().optional(),
  processKeepAlive: z.union([z.boolean(), z.looseObject({ enabled: z.boolean() })]).optional(),
  build: buildSchema.optional(),
  compat: z.boolean().optional(),
  logLevel: z.enum(["none", "error", "warn", "info", "debug", "log"]).optional(),
});

/** What trigger.config.ts may say that has no meaning here: read without complaint, so that a project moves unchanged. */
const IGNORED_FROM_TRIGGER = new Set([
  "runtime",
  "enableConsoleLogging",
  "disableConsoleInterceptor",
  "telemetry",
  "instrumentations",
  "tsconfig",
  "deploy",
  "experimental_processKeepAlive",
  "extraCACerts",
  "legacyDevProcessCwdBehaviour",
  "$schema",
]);

/** A project's configuration with every default applied. Paths are absolute. */
export interface ProjectConfig {
  projectDir: string;
  /** undefined where the project has no file of configuration. */
  configFile: string | undefined;
  /** Of the file's place and content: see isStale. */
  fingerprint: string;
  project: string;
  dirs: string[];
  /** The folders as the configuration names them, for messages. */
  dirNames: string[];
  ignorePatterns: string[];
  retries: NonNullable<GantryConfig["retries"]>;
  maxDuration: number | undefined;
  machine: string | undefined;
  checkpoint: Partial<Checkpoint> | undefined;
  processKeepAlive: boolean;
  build: {
    external: (string | RegExp)[];
    conditions: string[];
    plugins: Plugin[];
    extensions: BuildExtension[];
    autoDetectExternal: boolean;
    /** Packages that need no install script. */
    pure: string[];
    baseImage: string | undefined;
    /** undefined: what the platform says. */
    platforms: ImagePlatform[] | undefined;
  };
  compat: boolean;
  logLevel: string | undefined;
  /** Options that were read but do nothing. */
  warnings: string[];
}

/** The project's file of configuration, or undefined. `named` is what `--config` says. */
export function findConfig(projectDir: string, named?: string): string | undefined {
  if (named !== undefined) {
    const file = resolve(projectDir, named);
    if (existsSync(file)) return file;
    throw new CliError("CONFIG_NOT_FOUND", `There is no ${file}.`, { remedy: "Correct --config, or leave it out." });
  }
  return CONFIG_FILES.map((name) => join(projectDir, name)).find((file) => existsSync(file));
}

/** Reads the configuration. Errors: CONFIG_NOT_FOUND, CONFIG_BROKEN (it throws or does not parse), CONFIG_INVALID. */
export async function loadConfig(projectDir: string, named?: string): Promise<ProjectConfig> {
  const configFile = findConfig(projectDir, named);
  const fingerprint = configFingerprint(projectDir, named);
  const raw = configFile === undefined ? {} : await importConfig(projectDir, configFile);
  const warnings: string[] = [];
  const known = withoutIgnored(raw, configFile, warnings);
  const parsed = configSchema.safeParse(known);
  if (!parsed.success) {
    throw new CliError(
      "CONFIG_INVALID",
      `${basename(configFile ?? "gantry.config.ts")} is not valid:\n${z.prettifyError(parsed.error)}`,
      { remedy: "Correct these options." },
    );
  }
  return { ...withDefaults(projectDir, configFile, parsed.data, warnings), fingerprint };
}

/** Whether the file has changed, appeared or gone since it was read. What it imports is not looked at. */
export function isStale(config: ProjectConfig): boolean {
  const named = config.configFile !== undefined && existsSync(config.configFile) ? config.configFile : undefined;
  return configFingerprint(config.projectDir, named) !== config.fingerprint;
}

export function configFingerprint(projectDir: string, named?: string): string {
  const file = findConfig(projectDir, named);
  if (file === undefined) return "none";
  return createHash("sha256").update(file).update("\0").update(readFileSync(file)).digest("hex");
}

function withDefaults(
  projectDir: string,
  configFile: string | undefined,
  config: z.infer<typeof configSchema>,
  warnings: string[],
): Omit<ProjectConfig, "fingerprint"> {
  const dirNames = config.dirs ?? DEFAULT_DIRS;
  const { build = {}, processKeepAlive = false } = config;
  warnings.push(...notApplied(build, processKeepAlive));
  return {
    projectDir,
    configFile,
    project: projectRef(config.project ?? packageName(projectDir) ?? basename(projectDir)),
    dirs: dirNames.map((dir) => resolve(projectDir, dir)),
    dirNames,
    ignorePatterns: config.ignorePatterns ?? [],
    retries: (config.retries ?? {}) as NonNullable<GantryConfig["retries"]>,
    maxDuration: config.maxDuration,
    machine: machineName(config.machine),
    checkpoint: config.checkpoint === undefined ? undefined : checkpointOf(config.checkpoint, configFile),
    processKeepAlive: typeof processKeepAlive === "boolean" ? processKeepAlive : processKeepAlive.enabled,
    build: buildDefaults(build),
    compat: config.compat ?? true,
    logLevel: config.logLevel,
    warnings,
  };
}

function checkpointOf(option: unknown, configFile: string | undefined): Partial<Checkpoint> {
  const read = readCheckpoint(option);
  if (typeof read !== "string") return read;
  throw new CliError("CONFIG_INVALID", `checkpoint in ${basename(configFile ?? "gantry.config.ts")} ${read}.`, {
    remedy: "Correct this option.",
  });
}

function buildDefaults(build: z.infer<typeof buildSchema>): ProjectConfig["build"] {
  return {
    external: build.external ?? [],
    conditions: build.conditions ?? [],
    plugins: build.plugins ?? [],
    extensions: build.extensions ?? [],
    autoDetectExternal: build.autoDetectExternal ?? true,
    pure: build.pure ?? [],
    baseImage: build.baseImage,
    platforms: build.platforms,
  };
}

/** Trigger.dev's options that have no counterpart here: read, and named, so that nothing is ignored in silence. */
function notApplied(build: object, processKeepAlive: object | boolean): string[] {
  const unknown = Object.keys(build).filter((name) => !(name in buildSchema.shape));
  return [
    ...unknown.map((name) => `build.${name} is not applied.`),
    ...(typeof processKeepAlive === "object" && "maxExecutionsPerProcess" in processKeepAlive
      ? ["processKeepAlive.maxExecutionsPerProcess is not applied: a process serves until it is idle."]
      : []),
  ];
}

function withoutIgnored(raw: unknown, configFile: string | undefined, warnings: string[]): unknown {
  if (configFile === undefined || !basename(configFile).startsWith("trigger.") || typeof raw !== "object") return raw;
  const kept = Object.entries(raw as object).filter(([key]) => {
    const ignored = IGNORED_FROM_TRIGGER.has(key) || HOOKS.has(key);
    if (HOOKS.has(key)) warnings.push(`the hook ${key} in ${basename(configFile)} is not run; move it to init.ts.`);
    return !ignored;
  });
  return Object.fromEntries(kept);
}
const HOOKS = new Set(["init", "onStart", "onSuccess", "onFailure", "handleError"]);

/** The file is bundled first (it may be TypeScript and import the project's own code), then imported once. */
async function importConfig(projectDir: string, configFile: string): Promise<unknown> {
  const folder = join(projectDir, ".gantry", "config");
  try {
    const { build } = await import("esbuild");
    const built = await build({
      entryPoints: [configFile],
      bundle: true,
      write: false,
      platform: "node",
      format: "esm",
      target: "node22",
      logLevel: "silent",
      plugins: [compatPlugin(), keepPackagesOutside()],
      absWorkingDir: projectDir,
    });
    const code = built.outputFiles[0]?.text ?? "";
    const file = join(folder, `${createHash("sha256").update(code).digest("hex").slice(0, 16)}.mjs`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, code);
    const module = (await import(pathToFileURL(file).href)) as { default?: unknown; config?: unknown };
    return module.default ?? module.config ?? {};
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError("CONFIG_BROKEN", `${basename(configFile)} cannot be read: ${reason}`, {
      remedy: "Correct the file; it must export a configuration as its default.",
      cause: error,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function packageName(projectDir: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8")) as { name?: string }).name;
  } catch {
    return undefined;
  }
}

/** A ref as the platform takes it: at most 64 of a-z, 0-9, dash and underscore. */
export function projectRef(name: string): string {
  const ref = name
    .replace(/^@[^/]*\//, "")
    .replace(/[^a-zA-Z0-9_-]+/g, "-")
    .replace(/^[-_]+|[-_]+$/g, "")
    .slice(0, 64);
  return ref === "" ? RESERVED_PROJECT : ref;
}
