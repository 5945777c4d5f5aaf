import { type ChildProcess, execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { spawnTaskParent, taskPid } from "./task-parent.ts";

/** Stores and restores the memory of processes, in files. */
export interface Criu {
  /**
   * Writes what the process is into `dir`, made here, and leaves it stopped. Errors: CriuError; the process then goes on, or has
   * ended.
   */
  dump(pid: number, dir: string): Promise<void>;
  /**
   * Brings the process back from `dir`, under its id, stopped. What it resolves to is its parent (task-parent.ts): it ends as the
   * process ends. Errors: CriuError; nothing is left then.
   */
  restore(pid: number, dir: string): Promise<ChildProcess>;
}

/** With what CRIU's log says of the reason. */
export class CriuError extends Error {
  override name = "CriuError";
}

const LOG = "criu.log";
/** A process of several GB on a slow disk. Milliseconds. */
const TIMEOUT_MS = 120_000;
const run = promisify(execFile);

/** The program in `criuDir`, with the capabilities that its file has. */
export function realCriu(criuDir: string): Criu {
  const program = join(criuDir, "criu");
  const options = (dir: string) => [
    "--unprivileged",
    "-D",
    dir,
    "--tcp-close",
    "--shell-job",
    "--leave-stopped",
    "-o",
    LOG,
    "-v2",
  ];
  return {
    async dump(pid, dir) {
      await mkdir(dir, { recursive: true });
      await run(program, ["dump", "-t", String(pid), ...options(dir)], {
        timeout: TIMEOUT_MS,
        killSignal: "SIGKILL",
      }).catch(async (error) => {
        throw new CriuError(await reasonIn(dir, String((error as { stderr?: string }).stderr || error)));
      });
    },
    async restore(pid, dir) {
      const words = ["restore", ...options(dir), "-d"];
      const parent = spawnTaskParent(
        criuDir,
        { restore: pid, criu: program, arguments: words },
        { output: ["ignore", "pipe"] },
      );
      const stderr = textOf(parent);
      const failed = once(parent, "exit").catch(() => undefined);
      const timer = setTimeout(() => parent.kill("SIGKILL"), TIMEOUT_MS);
      const there = await taskPid(parent).finally(() => clearTimeout(timer));
      if (there !== undefined) return parent;
      await failed;
      throw new CriuError(await reasonIn(dir, stderr()));
    },
  };
}

function textOf({ stderr }: ChildProcess): () => string {
  let text = "";
  stderr?.setEncoding("utf8").on("data", (chunk: string) => (text = (text + chunk).slice(-1000)));
  return () => text.trim();
}

const LINES = 2;

/** The log's first errors: what follows is their consequence. */
async function reasonIn(dir: string, otherwise: string): Promise<string> {
  const log = await readFile(join(dir, LOG), "utf8").catch(() => "");
  const errors = log.split("\n").flatMap((line) => /Error \([^)]*\): (.*)/.exec(line)?.[1] ?? []);
  return errors.slice(0, LINES).join("; ").slice(0, 500) || otherwise.slice(0, 500);
}
