import { existsSync } from "node:fs";
import { access } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { clockFileIn } from "./checkpoint/clock-file.ts";
import type { Log } from "./log.ts";
import type { OsDifferences } from "./os-differences.ts";
import { releasePidFile } from "./pid-file.ts";
import { PlatformLink } from "./platform-link.ts";
import { ProcessPool } from "./process-pool.ts";
import { podEnvironment, type RunnerConfig, taskEnvironment, type WorkerIdentity } from "./runner-config.ts";
import { exchangeToken } from "./start-exchange.ts";
import { Supervisor } from "./supervisor.ts";
import type { TaskSockets } from "./task-sockets.ts";

const UPKEEP_MS = 1_000;
/** How long the platform may take to hear of what was given back. */
const GOODBYE_MS = 5_000;
/** "Service unavailable" of sysexits.h. */
const EXIT_UNAVAILABLE = 69;

/**
 * A runner from its start to its end. It keeps task processes booted, gives them the runs that the platform grants, reports,
 * and goes on working while the platform is away.
 *
 * On a laptop it serves a version, run after run. In a pod it was launched for one execution: while its task process boots
 * it exchanges its bootstrap token for who it is (start-exchange.ts), runs that execution, and ends.
 */
export class RunnerLife {
  readonly #config: RunnerConfig;
  readonly #sockets: TaskSockets;
  readonly #os: OsDifferences;
  readonly #log: Log;
  readonly #pool: ProcessPool;
  readonly #supervisor: Supervisor;
  readonly #link: PlatformLink;
  #identity: WorkerIdentity | undefined;
  #upkeep: NodeJS.Timeout | undefined;
  #isEnding = false;
  #isLeaving = false;

  constructor(asked: RunnerConfig, sockets: TaskSockets, os: OsDifferences, log: Log) {
    const config = { ...asked, checkpoints: asked.checkpoints && hasCriu(asked.criuDir, log) };
    this.#config = config;
    this.#sockets = sockets;
    this.#os = os;
    this.#log = log;
    this.#pool = makePool(config, sockets, os, log);
    this.#supervisor = new Supervisor(config, this.#pool, os, log, async (restore, signal) => {
      const { bringBackHere } = await import("./restore/restore-here.ts");
      const workerToken = this.#identity?.token ?? "";
      return bringBackHere({ config, sockets, workerToken }, restore, signal);
    });
    this.#link = new PlatformLink({
      url: config.url,
      log,
      onRefused: (status) => void this.#leave(`the platform refuses this worker (HTTP ${status})`),
      ...this.#supervisor.linkOptions(),
    });
    this.#supervisor.attach(this.#link);
    this.#supervisor.onEnd = (mode) => void this.end(mode);
    this.#supervisor.onOver = () => void this.#leave("its execution is over");
  }

  async begin(): Promise<void> {
    const { identity, concurrency, pool, keepAlive } = this.#config;
    this.#upkeep = setInterval(() => void this.#look(), UPKEEP_MS);
    if (identity) this.#open(identity);
    this.#pool.fill();
    this.#log("info", "runner started", { concurrency, pool, keepAlive });
    if (identity) return;
    const learning = this.#learnIdentity();
    // Loaded while the platform is asked.
    if (this.#config.checkpoints) await this.#useCheckpoints();
    if (this.#config.restores) await import("./restore/restore-here.ts");
    const learned = await learning;
    if (learned && !this.#isEnding) this.#open(learned);
  }

  async #useCheckpoints(): Promise<void> {
    const { RunnerCheckpoints } = await import("./checkpoint/runner-checkpoints.ts");
    const { criuDir, node, runsDir, carriedDirs: carried, compileCacheDir, url } = this.#config;
    const target = () => ({ url, token: this.#identity?.token ?? "" });
    const clockFile = clockFileIn(runsDir);
    const options = { criuDir, node, runsDir, carried, compileCacheDir, clockFile, target, os: this.#os };
    this.#supervisor.useCheckpoints(new RunnerCheckpoints(options));
  }

  #open(identity: WorkerIdentity): void {
    this.#identity = identity;
    this.#link.open(identity);
  }

  /** Gives back what runs, after the grace where draining, and exits. A second call of `shutdown` cuts a drain short. */
  async end(mode: "drain" | "shutdown"): Promise<void> {
    if (this.#isEnding && mode === "drain") return;
    this.#isEnding = true;
    const isDrain = mode === "drain";
    const executions = this.#supervisor.executionCount;
    this.#log("info", isDrain ? "draining" : "shutting down", { executions });
    const why = `The worker was told to ${isDrain ? "drain" : "shut down"}`;
    await this.#supervisor.drain(why, isDrain ? this.#config.drainGraceMs : 0, GOODBYE_MS);
    await this.#leave("done");
  }

  killAll(): void {
    this.#pool.killAll();
  }

  /** Undefined: nobody needs this pod, or it is of no use; the runner ends. */
  async #learnIdentity(): Promise<WorkerIdentity | undefined> {
    const { url, bootstrapToken = "", startTimeoutMs: timeoutMs, bundleDir } = this.#config;
    const answer = await exchangeToken({ url, bootstrapToken, host: hostname(), timeoutMs, log: this.#log });
    switch (answer.kind) {
      case "started": {
        const { workerId, workerToken, entry, variables } = answer.start;
        this.#pool.begin({ entry: resolve(bundleDir, entry), variables });
        return { workerId, token: workerToken };
      }
      case "refused": {
        const { code, status, message } = answer;
        await this.#leave(`this pod is not needed: ${code || `HTTP ${status}`} ${message}`.trim());
        return undefined;
      }
      case "failed":
        this.#log("error", "the runner cannot start", { why: answer.message });
        await this.#leave(answer.message, EXIT_UNAVAILABLE);
        return undefined;
    }
  }

  /** Looks after what no message announces. */
  async #look(): Promise<void> {
    const { bundleDir, pidFile, idleOfflineMs, grantTimeoutMs } = this.#config;
    this.#pool.upkeep();
    if (!this.#link.isOpen) return;
    this.#link.checkLiveness();
    if (pidFile !== undefined && !this.#os.hasSignals && (await exists(`${pidFile}.drain`))) return this.end("drain");
    const isIdle = this.#supervisor.executionCount === 0 && this.#link.unanswered === 0;
    if (isIdle && this.#link.offlineMs > idleOfflineMs)
      return this.#leave("the platform is away and there is nothing to do");
    if (this.#supervisor.awaitsGrant && this.#link.connectedMs > grantTimeoutMs)
      return this.#leave("no run was granted: it was canceled meanwhile, or another worker has it");
    if (await exists(bundleDir)) return;
    return this.#link.isConnected ? this.end("drain") : this.#leave("the bundle's folder is gone");
  }

  async #leave(why: string, code = 0): Promise<void> {
    this.#isEnding = true;
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    clearInterval(this.#upkeep);
    this.#log("info", "runner ends", { why });
    this.#supervisor.dropAll();
    this.#supervisor.stop();
    await Promise.all([this.#pool.close(), this.#link.close()]);
    await this.#sockets.close();
    const { pidFile } = this.#config;
    if (pidFile !== undefined) await releasePidFile(pidFile);
    process.exit(code);
  }
}

/** A version may have been built before process checkpoints were switched on: it runs without, and says nothing of its node. */
function hasCriu(criuDir: string, log: Log): boolean {
  if (existsSync(join(criuDir, "task-parent"))) return true;
  log("warn", "the version's image has no CRIU, so its processes are not stored: deploy it again", { criuDir });
  return false;
}

function makePool(config: RunnerConfig, sockets: TaskSockets, os: OsDifferences, log: Log): ProcessPool {
  const { bundleDir, bundleEntry, runsDir, url, keepAlive, stalledAfterMs, watches, killGraceMs, bootsAtOnce } = config;
  const isPod = config.bootstrapToken !== undefined;
  const besides = dirname(fileURLToPath(import.meta.url));
  return new ProcessPool({
    boot: {
      programFile: config.taskProcessFile ?? join(besides, "task-process.js"),
      cwd: isPod ? resolve(bundleDir) : process.cwd(),
      env: isPod ? podEnvironment(process.env, config) : taskEnvironment(process.env),
      runsDir,
      process: { apiUrl: url, keepAlive, stalledAfterMs, watches },
      compileCacheDir: config.compileCacheDir,
      begin: isPod ? undefined : { entry: join(bundleDir, bundleEntry), variables: {} },
      isAlone: isPod,
      sockets,
      os,
      killGraceMs,
      checkpoints:
        isPod && config.checkpoints ? { criuDir: config.criuDir, clockFile: clockFileIn(runsDir) } : undefined,
    },
    machine: config.machine,
    poolSize: config.pool,
    bootsAtOnce,
    maxProcesses: config.concurrency + config.pool + bootsAtOnce,
    bootTimeoutMs: config.bootTimeoutMs,
    keepAlive,
    log,
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
