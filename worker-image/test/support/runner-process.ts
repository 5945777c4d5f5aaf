import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { FakePlatform } from "./fake-platform.ts";

const PACKAGE = join(import.meta.dirname, "../..");

export interface RunnerOptions {
  env?: Record<string, string>;
  /** Start it later. */
  isStarted?: boolean;
  /** As a Job starts it: for one execution, with nothing but a bootstrap token. */
  isPod?: boolean;
}

const WORKER = {
  GANTRY_WORKER_TOKEN: "worker-token",
  GANTRY_WORKER_ID: "worker_1",
  GANTRY_WORKER_POOL: "1",
  GANTRY_WORKER_CONCURRENCY: "4",
};
const POD = { GANTRY_WORKER_BOOTSTRAP_TOKEN: "bootstrap-token", GANTRY_WORKER_MACHINE: "small-1x:0.5:0.5" };

/** A real runner process from dist, a bundle made of `source`, and a fake platform that it connects to. */
export class RunnerProcess {
  readonly platform = new FakePlatform();
  readonly dir: string;
  readonly bundleDir: string;
  readonly #env: Record<string, string>;
  readonly #isPod: boolean;
  child!: ChildProcess;
  exited!: Promise<{ code: number | null; signal: string | null }>;
  output = "";

  private constructor(dir: string, env: Record<string, string>, isPod: boolean) {
    this.dir = dir;
    this.#isPod = isPod;
    this.bundleDir = join(dir, "bundle");
    this.#env = env;
  }

  static async start(
    source: string,
    { env = {}, isStarted = true, isPod = false }: RunnerOptions = {},
  ): Promise<RunnerProcess> {
    const dir = await mkdtemp(join(tmpdir(), "gantry-test-"));
    const runner = new RunnerProcess(dir, env, isPod);
    await runner.platform.listen();
    await runner.bundle(source);
    if (isStarted) runner.spawn();
    return runner;
  }

  /** Makes the entry module of a task file, as the CLI does. */
  async bundle(source: string): Promise<void> {
    // Where its source map says it is: who names a line of it looks there for the call.
    await writeFile(join(this.dir, "tasks.ts"), source);
    await build({
      stdin: { contents: source, resolveDir: PACKAGE, sourcefile: join(this.dir, "tasks.ts"), loader: "ts" },
      outfile: join(this.bundleDir, "entry.mjs"),
      bundle: true,
      platform: "node",
      format: "esm",
      conditions: ["gantry-source"],
      sourcemap: "linked",
      logLevel: "silent",
      banner: {
        js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
      },
    });
  }

  /** `container`: the group that the runner is to live in. `env`: besides what it was made with. */
  spawn(container?: { add(pid: number): void }, env: Record<string, string> = {}): void {
    this.child = spawn(process.execPath, [join(PACKAGE, "dist/runner.js")], {
      cwd: this.dir,
      // Leads a group of its own, as under the process executor, so that `stop` reaches its task processes too.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        GANTRY_WORKER_URL: this.platform.url,
        GANTRY_BUNDLE_DIR: this.bundleDir,
        GANTRY_BUNDLE_ENTRY: "entry.mjs",
        GANTRY_RUNS_DIR: join(this.dir, "runs"),
        ...(this.#isPod ? POD : WORKER),
        ...this.#env,
        ...env,
      },
    });
    if (this.child.pid !== undefined) container?.add(this.child.pid);
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on("data", (data) => (this.output += String(data)));
    // Not "exit": what it said last may still be on its way here then.
    this.exited = once(this.child, "close").then(([code, signal]) => ({ code, signal }));
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.dir, name), text);
  }

  read(name: string): Promise<string> {
    return readFile(join(this.dir, name), "utf8");
  }

  async stop(): Promise<void> {
    if (this.child?.pid !== undefined) {
      killGroup(this.child.pid);
      await this.exited;
    }
    await this.platform.goAway();
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing is left of it.
  }
}
