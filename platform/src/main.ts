import { createRequire } from "node:module";
import { ConfigError, processEnvironment, readConfig } from "./config.ts";
import { createLogger } from "./logging.ts";
import { type Platform, startPlatform } from "./platform.ts";

/** The platform's process: settings from the environment, one line when it is ready, a clean end on SIGTERM and SIGINT. */
async function main(): Promise<void> {
  const config = readConfig();
  const logger = createLogger({ level: config.logLevel });
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  const platform = await startPlatform({ config, logger, version, environment: processEnvironment() });
  // A dev platform takes its workers with it; any other leaves them to work on and be adopted by the next start.
  endOnSignal(platform, config.devProject === undefined ? "leave" : "kill");
}

function endOnSignal(platform: Platform, workers: "kill" | "leave"): void {
  let isEnding = false;
  const end = (signal: string) => {
    if (isEnding) return;
    isEnding = true;
    platform
      .stop(workers)
      .then(() => process.exit(0))
      .catch((error: unknown) => {
        process.stderr.write(`The platform could not stop cleanly after ${signal}: ${String(error)}\n`);
        process.exit(1);
      });
  };
  process.on("SIGTERM", () => end("SIGTERM"));
  process.on("SIGINT", () => end("SIGINT"));
}

main().catch((error: unknown) => {
  const isKnown = error instanceof ConfigError || (error as NodeJS.ErrnoException).code === "EADDRINUSE";
  process.stderr.write(`${isKnown ? (error as Error).message : String((error as Error).stack ?? error)}\n`);
  process.exit(1);
});
