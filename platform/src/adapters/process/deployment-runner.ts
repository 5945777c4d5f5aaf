import { type ChildProcess, spawn } from "node:child_process";
import { access, mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isRunning, livingRunner } from "@gantry/worker/pid-file";
import type { ProcessTree } from "./process-tree.ts";
import { runnerEnvironment, type Variables } from "./runner-environment.ts";

export interface RunnerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What every runner on this machine has in common. */
export interface RunnerSurroundings {
  /** The runner's program. */
  runnerFile: string;
  /** The platform's own environment. */
  environment: Variables;
  tree: ProcessTree;
  absentMs: (deploymentId: string) => number;
  replaceAfterMs: number;
  log: RunnerLog;
}

/** What one runner is started with. */
export interface RunnerStart {
  cwd: string;
  bundleDir: string;
  /** Base URL of the platform. */
  url: string;
  envFiles: string[];
  /** What is kept for its environment; read when it starts. */
  kept: () => Promise<Record<string, string>>;
  variables: Record<string, string>;
}

const FIRST_BACK_OFF_MS = 1_000;
const MAX_BACK_OFF_MS = 60_000;
/** A runner that lived this long did not crash at the start. */
const HEALTHY_AFTER_MS = 30_000;
/** How long it may take to give its runs back before it is ended by force. */
const SHUTDOWN_PATIENCE_MS = 3_000;
const LOOK_EVERY_MS = 25;
const LOG_TAIL_BYTES = 2_000;
const MAX_LOG_BYTES = 10 * 1024 * 1024;

/**
 * The one runner of one deployment on this machine. It outlives the platform: a pid file in `dir` names it, so that the
 * next platform finds it, and waits for it to connect instead of starting another.
 */
export class DeploymentRunner {
  readonly deploymentId: string;
  readonly #dir: string;
  readonly #around: RunnerSurroundings;
  #start: (() => RunnerStart) | undefined;
  #child: ChildProcess | undefined;
  #ensuring: Promise<void> | undefined;
  #spawnedAt = 0;
  #failures = 0;
  #notBefore = 0;
  #restart: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(deploymentId: string, dir: string, around: RunnerSurroundings) {
    this.deploymentId = deploymentId;
    this.#dir = dir;
    this.#around = around;
  }

  /**
   * Makes sure that it runs. Does nothing while one is alive, or while a crashed one's pause lasts; one that lives but is
   * cut off from the platform (stopped, or hanging) is replaced.
   */
  ensure(start: () => RunnerStart): Promise<void> {
    this.#start = start;
    this.#isStopping = false;
    if (this.#child && !this.#isCutOff()) return Promise.resolve();
    this.#ensuring ??= this.#ensure().finally(() => (this.#ensuring = undefined));
    return this.#ensuring;
  }

  async #ensure(): Promise<void> {
    if (performance.now() < this.#notBefore || !this.#start) return;
    const start = this.#start();
    const living = await livingRunner(this.#pidFile);
    if (living?.url === start.url && !this.#isCutOff()) return;
    // It looks for the platform where it no longer is, or hangs.
    if (living) {
      this.#around.log.warn(
        { deploymentId: this.deploymentId, pid: living.pid },
        "the runner cannot be reached and is replaced",
      );
      await this.#end(living.pid);
    }
    if (!(await exists(start.bundleDir))) {
      return this.#postpone(`the bundle's folder ${start.bundleDir} is gone; deploy the version again`);
    }
    await mkdir(this.#dir, { recursive: true });
    await rm(this.#drainFile, { force: true });
    const env = await runnerEnvironment(this.#around.environment, await start.kept(), start.envFiles, {
      ...start.variables,
      GANTRY_RUNS_DIR: this.#dir,
      GANTRY_WORKER_PID_FILE: this.#pidFile,
    });
    if (this.#isStopping) return;
    await this.#spawn((await exists(start.cwd)) ? start.cwd : start.bundleDir, env);
  }

  #isCutOff(): boolean {
    const { absentMs, replaceAfterMs } = this.#around;
    return Math.min(absentMs(this.deploymentId), performance.now() - this.#spawnedAt) > replaceAfterMs;
  }

  async #spawn(cwd: string, env: Record<string, string>): Promise<void> {
    const log = await openLog(this.#logFile);
    try {
      const child = spawn(process.execPath, [this.#around.runnerFile], {
        cwd,
        env,
        detached: true,
        stdio: ["ignore", log.fd, log.fd],
        windowsHide: true,
      });
      child.once("error", (error) => this.#exited(child, `could not be started: ${error.message}`, false));
      child.once("exit", (code, signal) =>
        this.#exited(child, signal ? `was ended by ${signal}` : `exited with code ${code}`, code === 0),
      );
      child.unref();
      this.#child = child;
      this.#spawnedAt = performance.now();
      this.#around.log.info({ deploymentId: this.deploymentId, pid: child.pid }, "runner started");
    } finally {
      await log.close();
    }
  }

  #exited(child: ChildProcess, how: string, isWanted: boolean): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    // Its task processes notice by themselves, unless their code keeps them busy.
    if (child.pid !== undefined) void this.#around.tree.kill(child.pid);
    if (this.#isStopping || isWanted) return;
    if (performance.now() - this.#spawnedAt > HEALTHY_AFTER_MS) this.#failures = 0;
    void readTail(this.#logFile).then((tail) => this.#postpone(`the runner ${how}`, tail));
  }

  /** A pause that grows with each failure, then another try. */
  #postpone(reason: string, logTail?: string): void {
    const pauseMs = Math.min(MAX_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#notBefore = performance.now() + pauseMs;
    this.#around.log.error(
      { deploymentId: this.deploymentId, reason, logTail, nextTryInMs: pauseMs },
      `no runner for this version: ${reason}`,
    );
    clearTimeout(this.#restart);
    this.#restart = setTimeout(() => {
      if (!this.#start || this.#isStopping) return;
      this.ensure(this.#start).catch((error: unknown) => this.#postpone(`it could not be started: ${String(error)}`));
    }, pauseMs + 1).unref();
  }

  /** Tells it to take nothing new and to end when its runs have. Returns without waiting. */
  async retire(): Promise<void> {
    await this.#halt();
    const runner = await livingRunner(this.#pidFile);
    if (!runner) return;
    if (!this.#around.tree.askToDrain(runner.pid)) await writeFile(this.#drainFile, "");
  }

  /** Ends it; `drain` waits for its runs first. Resolves when it and its task processes are gone. */
  async stop(mode: "drain" | "kill"): Promise<void> {
    await this.#halt();
    const pid = (await livingRunner(this.#pidFile))?.pid ?? this.#child?.pid;
    if (pid === undefined) return;
    if (mode === "drain") {
      await this.retire();
      await this.#isGoneWithin(pid, Number.POSITIVE_INFINITY);
    }
    await this.#end(pid);
  }

  /** Lets it give its runs back, then ends by force what is left. */
  async #end(pid: number): Promise<void> {
    if (this.#around.tree.askToShutDown(pid)) await this.#isGoneWithin(pid, SHUTDOWN_PATIENCE_MS);
    await this.#around.tree.kill(pid);
    await this.#isGoneWithin(pid, SHUTDOWN_PATIENCE_MS);
    await rm(this.#pidFile, { force: true });
  }

  /** No new runner from here on; waits for one that is being started. */
  async #halt(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    await this.#ensuring;
  }

  async #isGoneWithin(pid: number, ms: number): Promise<boolean> {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      // Not by its file: it removes that just before it ends.
      if (this.#child?.pid !== pid && !(await isRunning(pid))) return true;
      await pause(LOOK_EVERY_MS);
    }
    return false;
  }

  get #pidFile(): string {
    return join(this.#dir, "runner.json");
  }

  get #drainFile(): string {
    return `${this.#pidFile}.drain`;
  }

  get #logFile(): string {
    return join(this.#dir, "runner.log");
  }
}

async function openLog(path: string) {
  const log = await open(path, "a");
  if ((await log.stat()).size > MAX_LOG_BYTES) await log.truncate(0);
  return log;
}

async function readTail(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).slice(-LOG_TAIL_BYTES);
  } catch {
    return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
