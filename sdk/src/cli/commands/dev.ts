import { rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { ApiClient } from "../../client/api-client.ts";
import { type BundlerSession, startBundler } from "../bundle/bundler.ts";
import { configFingerprint, isStale, loadConfig, type ProjectConfig } from "../bundle/config-file.ts";
import { CliError, EXIT, type ExitCode } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { devDataDir, projectAround, readEnvFiles, sessionNoteFile } from "../connection.ts";
import { addCommand, number } from "../define-command.ts";
import { devKeySecret } from "../dev/dev-key.ts";
import { takeDevLock } from "../dev/dev-lock.ts";
import { type DevReporter, devReporter } from "../dev/dev-reporter.ts";
import { type PlatformOptions, type PlatformProcess, startPlatform } from "../dev/platform-process.ts";
import { watchRuns } from "../dev/run-watch.ts";
import { Versions } from "../dev/versions.ts";

interface DevFlags extends CommonOptions {
  port: number;
  config?: string;
  dataDir?: string;
}

export function devCommand(program: Command): void {
  addCommand<DevFlags>(program, "dev", "Run the platform and this project's tasks, and reload them on change", dev)
    .option("--port <port>", "where the platform listens", number, 4400)
    .option("-c, --config <file>", "the configuration (default: gantry.config.ts, then trigger.config.ts)")
    .option("--data-dir <folder>", "where data is kept (default: .gantry/dev in the project)")
    .addHelpText(
      "after",
      `
Starts a Postgres of its own, or uses DATABASE_URL if the shell has it set (GANTRY_PLATFORM_DATABASE_URL also counts in
.env; DATABASE_URL there is your app's and is left alone). Tasks get .env and .env.local. Data stays between runs.`,
    );
}

async function dev(context: CommandContext, flags: DevFlags): Promise<ExitCode> {
  const projectDir = projectAround(context.cwd);
  const reporter = devReporter(context);
  const config = await loadConfig(projectDir, flags.config);
  for (const warning of config.warnings) reporter.warning(warning);
  const options = platformOptions(context, flags, config);
  const releaseLock = takeDevLock(options.dataDir);
  try {
    await runSession(context, flags, options, config, reporter);
    return EXIT.ok;
  } finally {
    releaseLock();
  }
}

async function runSession(
  context: CommandContext,
  flags: DevFlags,
  options: PlatformOptions,
  config: ProjectConfig,
  reporter: DevReporter,
): Promise<void> {
  reporter.step(`Starting the platform${options.databaseUrl === undefined ? " with its own Postgres" : ""}…`);
  const sinceMs = Date.now();
  const platform = await startPlatform(options, context.signal);
  const secretKey = `gt_dev_sk_${options.keySecret}`;
  const note = sessionNoteFile(options.dataDir);
  writeFileSync(note, JSON.stringify({ pid: process.pid, apiUrl: platform.url, secretKey }), { mode: 0o600 });
  const stopping = new AbortController();
  const signal = AbortSignal.any([context.signal, stopping.signal]);
  const api = new ApiClient({ baseUrl: platform.url, token: secretKey, requestOptions: { retry: { maxAttempts: 3 } } });
  const versions = new Versions({ api, reporter, env: context.env });
  reporter.ready({
    apiUrl: platform.url,
    secretKey,
    database: options.databaseUrl === undefined ? "embedded Postgres" : "DATABASE_URL",
  });
  const bundling = keepBundling(config, flags, versions, reporter, signal);
  try {
    await Promise.race([aborted(signal), crashed(platform), watchRuns(api, reporter, signal, sinceMs), bundling]);
  } finally {
    stopping.abort();
    reporter.stopping();
    rmSync(note, { force: true });
    await bundling.catch(() => undefined);
    await platform.stop();
    reporter.stopped();
  }
}

function platformOptions(context: CommandContext, flags: DevFlags, config: ProjectConfig): PlatformOptions {
  const { projectDir } = config;
  const fromFiles = readEnvFiles(projectDir).values;
  const settings = Object.fromEntries(
    Object.entries(fromFiles).filter(([name]) => name.startsWith("GANTRY_PLATFORM_")),
  );
  const env: Record<string, string | undefined> = { ...settings, ...context.env };
  const dataDir = resolve(context.cwd, flags.dataDir ?? devDataDir(projectDir));
  return {
    projectDir,
    project: config.project,
    port: flags.port,
    keySecret: devKeySecret(dataDir),
    dataDir,
    env,
    databaseUrl: env.GANTRY_PLATFORM_DATABASE_URL || context.env.DATABASE_URL || undefined,
  };
}

/** Builds on every change, anew with its new configuration where that has changed, until the signal is aborted. */
async function keepBundling(
  first: ProjectConfig,
  flags: DevFlags,
  versions: Versions,
  reporter: DevReporter,
  signal: AbortSignal,
): Promise<void> {
  let config = first;
  while (!signal.aborted) {
    const changed = new AbortController();
    const session = await watchConfigured(config, versions, reporter, () => changed.abort());
    await aborted(AbortSignal.any([signal, changed.signal]));
    await session.dispose();
    if (!signal.aborted) config = await reload(config, flags, reporter);
  }
  await versions.settled();
}

async function watchConfigured(
  config: ProjectConfig,
  versions: Versions,
  reporter: DevReporter,
  onChange: () => void,
): Promise<BundlerSession> {
  const session = await startBundler(
    config,
    (outcome) => {
      if (isStale(config)) onChange();
      else versions.take(config, outcome);
    },
    (level, text) => {
      if (level === "warning") reporter.warning(text);
      if (level === "step") reporter.step(text);
    },
  );
  await session.watch();
  return session;
}

/** A configuration that is broken for a moment keeps the last one. */
async function reload(before: ProjectConfig, flags: DevFlags, reporter: DevReporter): Promise<ProjectConfig> {
  try {
    const config = await loadConfig(before.projectDir, flags.config);
    for (const warning of config.warnings) reporter.warning(warning);
    return config;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    reporter.broken(error, undefined);
    return { ...before, fingerprint: configFingerprint(before.projectDir, flags.config) };
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener("abort", () => done(), { once: true }));
}

async function crashed(platform: PlatformProcess): Promise<never> {
  const reason = await platform.ended;
  throw new CliError("PLATFORM_ENDED", `The platform has ended unexpectedly (${reason}).`, {
    remedy: `Look into ${platform.logFile}, then run \`gantry dev\` again; queued runs are kept.`,
    exitCode: EXIT.unreachable,
  });
}
