import { availableParallelism } from "node:os";
import { join } from "node:path";
import {
  CANCEL_GRACE_MS,
  DEFAULT_MACHINE,
  MACHINE_PRESETS,
  type MachinePreset,
  WORKER_POD_ENV as POD,
} from "@gantry/sdk/contract";

/** Who a runner is towards the platform. */
export interface WorkerIdentity {
  workerId: string;
  token: string;
}

/** What a runner is told when it is started. Times in milliseconds. */
export interface RunnerConfig {
  /** Base URL of the platform, `http://host:port`. */
  url: string;
  /**
   * Launched for one execution, in a pod: a token for learning who it is, good for one exchange. Such a runner has no
   * `identity`, and ends with its execution.
   */
  bootstrapToken: string | undefined;
  identity: WorkerIdentity | undefined;
  bundleDir: string;
  /** The bundle's entry module, relative to its folder. */
  bundleEntry: string;
  /** The most executions at once. */
  concurrency: number;
  /** Processes kept booted ahead, for `machine`. */
  pool: number;
  /** Processes booting at once. */
  bootsAtOnce: number;
  machine: MachinePreset | undefined;
  keepAlive: boolean;
  /** Folder for output files, the socket and the compile cache; made where it is missing. */
  runsDir: string;
  /** Where to say which process this is; a living other one there ends this runner. */
  pidFile: string | undefined;
  /** On SIGTERM running work may go on for this long. */
  drainGraceMs: number;
  /** How long `onCancel` may take. */
  cancelGraceMs: number;
  /** Between SIGTERM and SIGKILL. */
  killGraceMs: number;
  bootTimeoutMs: number;
  /** Without work and without the platform, exit after this long. */
  idleOfflineMs: number;
  /** A runner for one execution that is not granted it within this time ends: the run was canceled meanwhile. */
  grantTimeoutMs: number;
  /** A runner for one execution that gets no answer to its exchange gives up after this long. */
  startTimeoutMs: number;
  /** An event loop that does not answer for this long is reported. */
  blockedAfterMs: number;
  /** See TaskProcessConfig. */
  stalledAfterMs: number;
  /** See TaskProcessConfig. */
  watches: boolean;
  /** Node's compile cache for task processes; in an image it was filled when the image was built. */
  compileCacheDir: string | undefined;
  /** Where the task process's program is; undefined is beside the runner's. */
  taskProcessFile: string | undefined;
  /** This pod may store the memory of its task's process. */
  checkpoints: boolean;
  /** Launched for a run whose process was stored: none is booted ahead. */
  restores: boolean;
  /** The node's name; undefined where nobody says. */
  node: string | undefined;
  /** Folders whose files a stored process brings along: all that a pod's process may write to, absolute. */
  carriedDirs: string[];
  /** Where CRIU, task-parent and preload.so are. */
  criuDir: string;
}

/** Reads GANTRY_WORKER_* and GANTRY_BUNDLE_* and so on. Throws an Error that names a missing variable. */
export function runnerConfig(env: NodeJS.ProcessEnv): RunnerConfig {
  const bundleDir = required(env, POD.bundleDir);
  const runsDir = env[POD.runsDir] ?? join(bundleDir, ".runs");
  return {
    url: required(env, POD.url).replace(/\/+$/, ""),
    ...credentials(env),
    bundleDir,
    bundleEntry: required(env, POD.bundleEntry),
    ...processes(env),
    machine: machine(env[POD.machine]),
    runsDir,
    pidFile: env.GANTRY_WORKER_PID_FILE,
    drainGraceMs: number(env, POD.drainGraceMs, 300_000),
    cancelGraceMs: number(env, "GANTRY_WORKER_CANCEL_GRACE_MS", CANCEL_GRACE_MS),
    killGraceMs: number(env, "GANTRY_WORKER_KILL_GRACE_MS", 2_000),
    bootTimeoutMs: number(env, "GANTRY_WORKER_BOOT_TIMEOUT_MS", 60_000),
    idleOfflineMs: number(env, "GANTRY_WORKER_IDLE_OFFLINE_MS", 120_000),
    grantTimeoutMs: number(env, "GANTRY_WORKER_GRANT_TIMEOUT_MS", 60_000),
    startTimeoutMs: number(env, "GANTRY_WORKER_START_TIMEOUT_MS", 600_000),
    blockedAfterMs: number(env, "GANTRY_WORKER_BLOCKED_AFTER_MS", 5_000),
    stalledAfterMs: number(env, "GANTRY_WORKER_STALLED_AFTER_MS", 60_000),
    watches: !/^(0|false)$/.test(env[POD.watches] ?? ""),
    compileCacheDir: env[POD.bootstrapToken] ? env.NODE_COMPILE_CACHE : join(runsDir, "compile-cache"),
    taskProcessFile: env.GANTRY_WORKER_TASK_PROCESS,
    checkpoints: isTrue(env[POD.checkpoints]),
    restores: isTrue(env[POD.restores]),
    node: env[POD.node] || undefined,
    carriedDirs: carriedDirs(env.GANTRY_WORKER_CARRIED_DIRS, runsDir),
    criuDir: env.GANTRY_WORKER_CRIU_DIR ?? "/gantry/criu",
  };
}

/** `/tmp` and the runner's own; none of them below another. */
function carriedDirs(text: string | undefined, runsDir: string): string[] {
  const all = [...new Set([runsDir, ...(text ?? "/tmp").split(":").filter(Boolean)])];
  return all.filter((dir) => !all.some((other) => dir.startsWith(`${other}/`)));
}

function credentials(env: NodeJS.ProcessEnv): Pick<RunnerConfig, "bootstrapToken" | "identity"> {
  const bootstrapToken = env[POD.bootstrapToken];
  if (bootstrapToken) return { bootstrapToken, identity: undefined };
  const identity = { token: required(env, "GANTRY_WORKER_TOKEN"), workerId: required(env, "GANTRY_WORKER_ID") };
  return { bootstrapToken: undefined, identity };
}

/** A pod's runner has one process, for its one execution: booted ahead, unless it was stored. */
function processes(env: NodeJS.ProcessEnv): Pick<RunnerConfig, "concurrency" | "pool" | "bootsAtOnce" | "keepAlive"> {
  if (env[POD.bootstrapToken]) {
    return { concurrency: 1, pool: isTrue(env[POD.restores]) ? 0 : 1, bootsAtOnce: 1, keepAlive: false };
  }
  const concurrency = number(env, "GANTRY_WORKER_CONCURRENCY", 10);
  const cores = availableParallelism();
  return {
    concurrency,
    pool: number(env, "GANTRY_WORKER_POOL", Math.min(concurrency, cores + 1)),
    bootsAtOnce: number(env, "GANTRY_WORKER_BOOTS_AT_ONCE", cores),
    keepAlive: isTrue(env.GANTRY_PROCESS_KEEP_ALIVE),
  };
}

/** The environment of task processes: the runner's own without what is the runner's. */
export function taskEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !/^GANTRY_(WORKER_|BUNDLE_|RUNS_DIR$|PROCESS_KEEP_ALIVE$|TASK_PROCESS$)/.test(name),
  );
  return Object.fromEntries(kept);
}

/**
 * The same in a pod: where its API is, and folders to write to, for the root is read-only and the image's user has no home.
 * The environment's variables are not here: they come with the exchange, and override these.
 */
export function podEnvironment(env: NodeJS.ProcessEnv, { url, runsDir }: RunnerConfig): NodeJS.ProcessEnv {
  const { NODE_COMPILE_CACHE: _ours, HOME, TMPDIR, ...kept } = taskEnvironment(env);
  const hasHome = HOME !== undefined && HOME !== "" && HOME !== "/";
  return { ...kept, HOME: hasHome ? HOME : runsDir, TMPDIR: TMPDIR || runsDir, GANTRY_API_URL: url };
}

/** V8's heap for a preset: 80 % of its memory, in MB. */
export function heapMegabytes(preset: MachinePreset): number {
  return Math.floor((preset.memory * 1e9 * 0.8) / (1024 * 1024));
}

/** A preset's name, or `name:cpu:memory` for one that the operator added. */
function machine(text: string | undefined): MachinePreset | undefined {
  const [name = DEFAULT_MACHINE, cpu, memory] = (text ?? DEFAULT_MACHINE).split(":");
  if (memory !== undefined) return { name, cpu: Number(cpu), memory: Number(memory) };
  return (MACHINE_PRESETS as Record<string, MachinePreset>)[name];
}

function isTrue(text: string | undefined): boolean {
  return /^(1|true)$/.test(text ?? "");
}

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set: the runner is started by the platform, not by hand`);
  return value;
}

function number(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number of at least 0, not "${text}"`);
  return value;
}
