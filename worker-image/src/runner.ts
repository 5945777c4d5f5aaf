/**
 * The runner: connects to the platform, keeps task processes booted, gives them the runs that the platform grants, and
 * reports. It goes on working while the platform is away.
 */
import { access, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { jsonLog } from "./log.ts";
import { osDifferences } from "./os-differences.ts";
import { claimPidFile, releasePidFile } from "./pid-file.ts";
import { PlatformLink } from "./platform-link.ts";
import { ProcessPool } from "./process-pool.ts";
import { type RunnerConfig, runnerConfig, taskEnvironment } from "./runner-config.ts";
import { Supervisor } from "./supervisor.ts";
import { TaskSockets } from "./task-sockets.ts";

const UPKEEP_MS = 1_000;
/** How long the platform may take to hear of what was given back. */
const GOODBYE_MS = 5_000;

const config = runnerConfig(process.env);
const os = osDifferences(process.platform);
const log = jsonLog(config.workerId);
let isEnding = false;

await mkdir(config.runsDir, { recursive: true });
if (config.pidFile !== undefined) {
  const other = await claimPidFile(config.pidFile, { workerId: config.workerId, url: config.url }, os);
  if (other) {
    log("info", "another runner has this deployment already", { other });
    process.exit(0);
  }
}

const sockets = await TaskSockets.listen(config.runsDir, `${process.pid}.sock`, os);
const pool = new ProcessPool({
  boot: {
    programFile: config.taskProcessFile ?? join(dirname(fileURLToPath(import.meta.url)), "task-process.js"),
    cwd: process.cwd(),
    env: taskEnvironment(process.env),
    runsDir: config.runsDir,
    process: {
      entry: join(config.bundleDir, config.bundleEntry),
      apiUrl: config.url,
      keepAlive: config.keepAlive,
      compileCacheDir: join(config.runsDir, "compile-cache"),
      stalledAfterMs: config.stalledAfterMs,
    },
    sockets,
    os,
    killGraceMs: config.killGraceMs,
  },
  machine: config.machine,
  poolSize: config.pool,
  bootsAtOnce: config.bootsAtOnce,
  maxProcesses: config.concurrency + config.pool + config.bootsAtOnce,
  bootTimeoutMs: config.bootTimeoutMs,
  keepAlive: config.keepAlive,
  log,
});
const supervisor = new Supervisor(config, pool, os, log);
const link = new PlatformLink({
  url: config.url,
  token: config.token,
  log,
  onRefused: (status) => void leave(`the platform refuses this worker (HTTP ${status})`, 0),
  ...supervisor.linkOptions(),
});
supervisor.attach(link);
supervisor.onEnd = (mode) => void end(mode);
link.connect();
pool.fill();
log("info", "runner started", { concurrency: config.concurrency, pool: config.pool, keepAlive: config.keepAlive });

process.on("SIGTERM", () => void end("drain"));
process.on("SIGINT", () => void end("shutdown"));
process.on("uncaughtException", (error) => {
  log("error", "the runner has a fault and ends", { error: error.stack });
  pool.killAll();
  process.exit(70);
});
const upkeep = setInterval(() => void look(config), UPKEEP_MS);

/** Looks after what no message announces. */
async function look({ bundleDir, pidFile, idleOfflineMs }: RunnerConfig): Promise<void> {
  pool.upkeep();
  link.checkLiveness();
  if (pidFile !== undefined && !os.hasSignals && (await exists(`${pidFile}.drain`))) return end("drain");
  const isIdle = supervisor.executionCount === 0 && link.unanswered === 0;
  if (isIdle && link.offlineMs > idleOfflineMs) return leave("the platform is away and there is nothing to do", 0);
  if (!(await exists(bundleDir))) return link.isConnected ? end("drain") : leave("the bundle's folder is gone", 0);
}

/** Gives back what runs, after the grace where draining, and exits. A second call of `shutdown` cuts a drain short. */
async function end(mode: "drain" | "shutdown"): Promise<void> {
  if (isEnding && mode === "drain") return;
  isEnding = true;
  log("info", mode === "drain" ? "draining" : "shutting down", { executions: supervisor.executionCount });
  await supervisor.drain(
    `The worker was told to ${mode === "drain" ? "drain" : "shut down"}`,
    mode === "drain" ? config.drainGraceMs : 0,
    GOODBYE_MS,
  );
  await leave("done", 0);
}

async function leave(why: string, code: number): Promise<void> {
  isEnding = true;
  clearInterval(upkeep);
  log("info", "runner ends", { why });
  supervisor.dropAll();
  supervisor.stop();
  await Promise.all([pool.close(), link.close()]);
  await sockets.close();
  if (config.pidFile !== undefined) await releasePidFile(config.pidFile);
  process.exit(code);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
