import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** The platform as a process of its own, from its sources, so that it can be killed at any line. */
export class PlatformProcess {
  readonly #settings: Record<string, string>;
  #child: ChildProcess | undefined;

  /** Its port must not be 0: it is the same after each start. */
  constructor(settings: Record<string, string>) {
    this.#settings = settings;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#settings.GANTRY_PLATFORM_PORT}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves once it is ready. Errors: what it said, where it ends before. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ["--conditions=gantry-source", "--no-warnings", MAIN], {
      env: { PATH: process.env.PATH, ...this.#settings },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    const said: string[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (data) => {
        said.push(String(data));
        if (String(data).includes("the platform is ready")) resolve();
      });
    child.once("exit", () => reject(new Error(`the platform ended: ${said.join("")}`)));
    await promise;
  }

  /** Nothing of it is carried out any more. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }
}
