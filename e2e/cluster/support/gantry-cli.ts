import { cp, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run } from "./shell.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const CLI = join(ROOT, "sdk/dist/cli/main.js");

export interface Deployed {
  version: string;
  isNew?: boolean;
  [key: string]: unknown;
}

/** A copy of a fixture project, and `gantry` in it with the installation's credentials. */
export class Project {
  readonly folder: string;
  readonly #env: Record<string, string | undefined>;

  private constructor(folder: string, env: Record<string, string>) {
    this.folder = folder;
    const ours = Object.keys(process.env).filter((name) => /^(GANTRY|TRIGGER)_/.test(name));
    this.#env = { ...Object.fromEntries(ours.map((name) => [name, undefined])), CI: "true", ...env };
  }

  /** `path` relative to the repository. Its packages are the repository's own. */
  static async copy(path: string, env: Record<string, string>): Promise<Project> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "gantry-cluster-")));
    const skip = (file: string) => !/\/(node_modules|\.gantry)(\/|$)/.test(file.slice(ROOT.length));
    await cp(join(ROOT, path), folder, { recursive: true, filter: skip });
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    return new Project(folder, env);
  }

  /** A project that is in a folder of its own already, its packages too. */
  static at(folder: string, env: Record<string, string>): Project {
    return new Project(folder, env);
  }

  /** What `gantry` printed. Errors: all of its output. */
  gantry(...args: string[]): Promise<string> {
    return run(process.execPath, [CLI, ...args], { cwd: this.folder, env: this.#env });
  }

  async deploy(...args: string[]): Promise<Deployed> {
    return JSON.parse(await this.gantry("deploy", "--json", ...args)) as Deployed;
  }

  write(file: string, text: string): Promise<void> {
    return writeFile(join(this.folder, file), text);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
