import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const RETRY = { maxAttempts: 10, minTimeoutInMs: 20, maxTimeoutInMs: 100, randomize: false };
const ONCE = { maxAttempts: 1 };
const declared = (id: string, more: object = {}) => ({ id, filePath: "tasks.ts", retry: RETRY, ...more });
/** What fixtures/tasks.ts declares. */
const MANIFEST = {
  manifestVersion: 1 as const,
  sdkVersion: "0.1.0",
  runtime: "node@24",
  entry: "entry.mjs",
  queues: [],
  tasks: [
    ...["noop", "nap", "flaky", "chatty", "gate", "stubborn"].map((id) => declared(id)),
    ...["crash", "late", "slow-hook"].map((id) => declared(id, { retry: ONCE, hasOnFailure: true })),
    declared("overtime", { retry: ONCE, hasOnFailure: true, maxDuration: 1 }),
  ],
};

/** A manifest, for whoever needs no more of it than where its code is. */
interface Declared {
  entry: string;
}

/** Task files and what they declare. */
export interface Fixture {
  /** Absolute path of the module that declares the tasks. */
  file: string;
  /** Of a bundle in this folder, whose module is `entry`. */
  manifest(bundleDir: string, entry: string): Promise<Declared> | Declared;
}

const FAULTS: Fixture = { file: join(import.meta.dirname, "../fixtures/tasks.ts"), manifest: () => MANIFEST };

/** One line that a task wrote. */
export interface Effect {
  what: string;
  attempt: number;
  execution: string;
  pid: number;
  /** Milliseconds since the epoch. */
  at?: number;
  code?: string;
}

/** The bundled fixture tasks in a folder of their own, with the folder in which they write down what they do. */
export class FaultProject {
  readonly folder: string;
  readonly effectsDir: string;
  #manifest: Declared = MANIFEST;

  static async make(fixture: Fixture = FAULTS): Promise<FaultProject> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "gantry-faults-")));
    const project = new FaultProject(folder);
    await mkdir(project.effectsDir);
    await build({
      entryPoints: { entry: fixture.file },
      outdir: project.bundleDir,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      platform: "node",
      format: "esm",
      sourcemap: true,
      logLevel: "silent",
      banner: {
        js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
      },
    });
    project.#manifest = await fixture.manifest(project.bundleDir, MANIFEST.entry);
    return project;
  }

  private constructor(folder: string) {
    this.folder = folder;
    this.effectsDir = join(folder, "effects");
  }

  get bundleDir(): string {
    return join(this.folder, "bundle");
  }

  /** The body of `POST /api/v1/deployments`. */
  get deployment() {
    const source = {
      kind: "local" as const,
      bundleDir: this.bundleDir,
      projectDir: this.folder,
      envFiles: [],
    };
    return { manifest: this.#manifest, source, promote: true };
  }

  /** What the run's functions did, in order. */
  async effects(runId: string): Promise<Effect[]> {
    const text = await readFile(join(this.effectsDir, `${runId}.jsonl`), "utf8").catch(() => "");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Effect);
  }

  /** Lets go of the functions that wait for this file. */
  async open(gate: string): Promise<void> {
    await writeFile(join(this.effectsDir, gate), "");
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
