#!/usr/bin/env node
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { bootstrap } from "./bootstrap.ts";
import { type Config, ConfigError, processEnvironment, readConfig } from "./config.ts";
import { createLogger } from "./logging.ts";
import { isOperatorCommand, runOperatorCommand } from "./operator-commands.ts";
import { type Platform, startPlatform } from "./platform.ts";

/** The platform's process: settings from the environment, one line when it is ready, a clean end on SIGTERM and SIGINT. */
async function main(): Promise<void> {
  if (process.argv[2] === "bootstrap-secrets") return makeSecrets();
  const config = readConfig();
  const command = process.argv[2];
  if (command === "bootstrap") return printBootstrap(config);
  if (isOperatorCommand(command)) {
    process.stdout.write(`${await runOperatorCommand(command, process.argv.slice(3), config)}\n`);
    return;
  }
  // A mistyped command must not start a platform.
  if (command !== undefined) throw new ConfigError(`gantry-platform has no command "${command}".`);
  const logger = createLogger({ level: config.logLevel, format: config.logFormat });
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  const asked = untilAskedToEnd();
  const platform = await startPlatform({ config, logger, version, environment: processEnvironment() });
  // A dev platform takes its workers with it; any other leaves them to work on and be adopted by the next start.
  endWhen(asked, platform, config.devProject === undefined ? "leave" : "kill");
}

/** `bootstrap [--project <ref>] [--environment <slug>] [--new-key]`: one line of JSON, for `gantry admin bootstrap` and install scripts. */
async function printBootstrap(config: Config): Promise<void> {
  const { databaseUrl, databaseDirectUrl, encryptionKey, previousEncryptionKeys, dataDir } = config;
  const options = {
    project: { type: "string" },
    environment: { type: "string" },
    "new-key": { type: "boolean" },
  } as const;
  const {
    project = "default",
    environment = "prod",
    "new-key": newKey = false,
  } = parseArgs({ args: process.argv.slice(3), options }).values;
  if (databaseUrl === undefined) {
    throw new ConfigError(
      "Set GANTRY_PLATFORM_DATABASE_URL to the platform's database; `gantry dev` needs no bootstrap.",
    );
  }
  const keys = { encryptionKey, previousEncryptionKeys };
  const request = { databaseUrl, databaseDirectUrl, ...keys, dataDir, project, environment, newKey };
  process.stdout.write(`${JSON.stringify(await bootstrap(request))}\n`);
}

/** Loaded only here: a platform that runs no Jobs needs no Kubernetes client. */
async function makeSecrets(): Promise<void> {
  const { bootstrapSecrets } = await import("./bootstrap-secrets.ts");
  const { registryUsername: username, registryPassword: password } = readConfig();
  process.stdout.write(`${await bootstrapSecrets(process.argv.slice(3), { username, password })}\n`);
}

/** Listens from the very start: what was begun is ended in its order, also where the wish comes before the platform is up. */
function untilAskedToEnd(): Promise<string> {
  return new Promise((resolve) => {
    process.on("SIGTERM", () => resolve("SIGTERM"));
    process.on("SIGINT", () => resolve("SIGINT"));
    // Whoever started this process over a channel (`gantry dev`) is gone, or says so on a system without SIGTERM.
    if (process.connected) process.once("disconnect", () => resolve("the end of its parent"));
  });
}

function endWhen(asked: Promise<string>, platform: Platform, workers: "kill" | "leave"): void {
  void asked.then((why) =>
    platform
      .stop(workers)
      .then(() => process.exit(0))
      .catch((error: unknown) => {
        process.stderr.write(`The platform could not stop cleanly after ${why}: ${String(error)}\n`);
        process.exit(1);
      }),
  );
}

main().catch((error: unknown) => {
  const isKnown = error instanceof ConfigError || (error as NodeJS.ErrnoException).code === "EADDRINUSE";
  process.stderr.write(`${isKnown ? (error as Error).message : String((error as Error).stack ?? error)}\n`);
  process.exit(1);
});
