import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { packAll } from "../.make/pack.mjs";

const execute = promisify(execFile);

/** A fixture in a folder outside of this repository, with Gantry installed from the tarballs that users get. */
export class InstalledProject {
  readonly folder: string;
  readonly #processes: ChildProcess[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async install(fixture: string): Promise<InstalledProject> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "gantry-installed-")));
    await cp(join(import.meta.dirname, "fixtures", fixture), folder, { recursive: true });
    const packages = await packAll(join(folder, "tarballs"));
    const project = new InstalledProject(folder);
    const tarballs = packages.map(({ path }) => path);
    await project.run("npm", "install", "--no-audit", "--no-fund", "--prefer-offline", ...tarballs);
    return project;
  }

  /** What a program printed, run in the project. Errors: its output where it fails. */
  async run(file: string, ...args: string[]): Promise<string> {
    const options = { cwd: this.folder, shell: process.platform === "win32", maxBuffer: 1e8 };
    const { stdout } = await execute(file, args, options).catch((error: { stdout: string; stderr: string }) => {
      throw new Error(`${file} ${args.join(" ")}\n${error.stdout}${error.stderr}`);
    });
    return stdout.trim();
  }

  /** Starts a program of the project; resolves with the first of its lines that fits. Ended by `remove`. */
  async start(args: string[], env: Record<string, string>, fits: (line: string) => boolean): Promise<string> {
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...withoutGantry(process.env), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#processes.push(child);
    let output = "";
    child.stderr?.on("data", (chunk) => {
      output += String(chunk);
    });
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      output += `${line}\n`;
      if (!fits(line)) continue;
      // Read on: a full pipe would stop the program.
      child.stdout?.resume();
      return line;
    }
    throw new Error(`${args.join(" ")} ended before it was ready:\n${output}`);
  }

  async remove(): Promise<void> {
    for (const child of this.#processes.reverse()) {
      if (child.exitCode !== null) continue;
      child.kill("SIGINT");
      await once(child, "exit");
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** The surroundings of whoever runs the tests are none of the project's. */
function withoutGantry(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(GANTRY_|TRIGGER_|DATABASE_URL$)/.test(name)));
}
