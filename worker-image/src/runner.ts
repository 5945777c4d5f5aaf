/** The runner's process: reads what it was started with, takes its signals and its pid file, and lives its life. */
import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { jsonLog } from "./log.ts";
import { osDifferences } from "./os-differences.ts";
import { claimPidFile } from "./pid-file.ts";
import { runnerConfig } from "./runner-config.ts";
import { RunnerLife } from "./runner-life.ts";
import { TaskSockets } from "./task-sockets.ts";

/** "Internal software error" of sysexits.h. */
const EXIT_FAULT = 70;

let life: RunnerLife | undefined;
// First of all: a container's first process gets no signal that it has no handler for.
process.on("SIGTERM", () => (life ? void life.end("drain") : process.exit(0)));
process.on("SIGINT", () => (life ? void life.end("shutdown") : process.exit(0)));

const config = runnerConfig(process.env);
const os = osDifferences(process.platform);
const log = jsonLog(config.identity?.workerId ?? hostname());
process.on("uncaughtException", (error) => {
  log("error", "the runner has a fault and ends", { error: error.stack });
  life?.killAll();
  process.exit(EXIT_FAULT);
});

mkdirSync(config.runsDir, { recursive: true });
if (config.pidFile !== undefined && config.identity !== undefined) {
  const { workerId } = config.identity;
  const other = await claimPidFile(config.pidFile, { workerId, url: config.url }, os);
  if (other) {
    log("info", "another runner has this deployment already", { other });
    process.exit(0);
  }
}
const sockets = await TaskSockets.listen(config.runsDir, `${process.pid}.sock`, os);
life = new RunnerLife(config, sockets, os, log);
await life.begin();
