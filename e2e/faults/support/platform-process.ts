import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../../../platform/test/support/free-port.ts";
import { eventually } from "../../support/eventually.ts";
import type { FaultProject } from "./fault-project.ts";

const MAIN = join(import.meta.dirname, "../../../platform/dist/main.js");

export interface PlatformOptions {
  databaseUrl: string;
  /** Where its data and log go. */
  project: Pick<FaultProject, "folder" | "effectsDir">;
  /** Settings without their prefix. */
  settings?: Record<string, string> | ((port: number) => Record<string, string>);
}

/** The platform as built, in a process that can be killed and started again: same port, same data folder, same key. */
export class PlatformProcess {
  readonly url: string;
  readonly encryptionKey = randomBytes(32).toString("base64");
  readonly #dataDir: string;
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  #key = "";

  static async start(options: PlatformOptions): Promise<PlatformProcess> {
    const platform = new PlatformProcess(options, await freePort());
    const args = [MAIN, "bootstrap", "--project", "faults", "--environment", "prod"];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: platform.#env });
    platform.#key = (JSON.parse(stdout) as { key: string }).key;
    await platform.start();
    return platform;
  }

  private constructor({ databaseUrl, project, settings = {} }: PlatformOptions, port: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.#dataDir = join(project.folder, "data");
    const own = {
      DATABASE_URL: databaseUrl,
      DATA_DIR: this.#dataDir,
      PORT: String(port),
      ENCRYPTION_KEY: this.encryptionKey,
      LOG_LEVEL: "warn",
      ...(typeof settings === "function" ? settings(port) : settings),
    };
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(GANTRY|DATABASE_URL|VITEST|NODE_ENV)/.test(name),
    );
    this.#env = {
      ...(Object.fromEntries(inherited) as Record<string, string>),
      ...Object.fromEntries(Object.entries(own).map(([name, value]) => [`GANTRY_PLATFORM_${name}`, value])),
      EFFECTS_DIR: project.effectsDir,
    };
  }

  get key(): string {
    return this.#key;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves when it is ready to serve. Error: it ended instead, with its log. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN], { env: this.#env, stdio: ["ignore", "pipe", "pipe"] });
    const log = createWriteStream(this.#logFile, { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#child = child;
    await eventually("the platform's start", async () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the platform ended: ${await this.log()}`);
      const reply = await fetch(`${this.url}/readyz`).catch(() => undefined);
      return reply?.status === 200 ? true : undefined;
    });
  }

  /** Resolves when the process is gone, with its exit code. */
  async end(signal: "SIGKILL" | "SIGTERM" | "SIGINT"): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, "exit");
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  }

  async log(): Promise<string> {
    return (await readFile(this.#logFile, "utf8").catch(() => "")).slice(-4_000);
  }

  /** Process ids of the runners that it started, living or not. */
  async runners(): Promise<number[]> {
    const dir = join(this.#dataDir, "workers");
    const files = (await readdir(dir).catch(() => [])).map((name) => join(dir, name, "runner.json"));
    const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
    return texts.filter((text) => text !== "").map((text) => (JSON.parse(text) as { pid: number }).pid);
  }

  /** Ends it with all its runners and their task processes: each runner leads a process group. */
  async remove(): Promise<void> {
    await this.end("SIGKILL");
    for (const pid of await this.runners()) killGroup(pid);
  }

  get #logFile(): string {
    return `${this.#dataDir}.log`;
  }
}

export function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
