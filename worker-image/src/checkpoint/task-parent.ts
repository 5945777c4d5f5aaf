import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";

/** `run` a program that can be stored, or `restore` the process of this id by running CRIU with these arguments. */
export type ParentCommand =
  | { run: string; arguments: string[] }
  | { restore: number; criu: string; arguments: string[] };

export interface ParentOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Descriptors for output. */
  output: [stdout: number | "ignore" | "pipe", stderr: number | "ignore" | "pipe"];
}

/**
 * Starts native/task-parent.c, which has the task process as its child and ends as that one ends. The process says its id by
 * `taskPid`.
 */
export function spawnTaskParent(criuDir: string, command: ParentCommand, options: ParentOptions): ChildProcess {
  const { cwd, env, output } = options;
  const words =
    "run" in command
      ? ["run", command.run, ...command.arguments]
      : ["restore", String(command.restore), command.criu, ...command.arguments];
  return spawn(join(criuDir, "task-parent"), words, { cwd, env, stdio: ["ignore", ...output, "pipe"] });
}

/** The id of the process below a task-parent, once it is there; undefined where it never is. */
export async function taskPid(parent: ChildProcess): Promise<number | undefined> {
  const told = parent.stdio[3] as Readable | null | undefined;
  if (!told) return undefined;
  let text = "";
  try {
    for await (const part of told.setEncoding("utf8")) text += String(part);
  } catch {
    // Of a parent that could not be started.
  }
  const pid = Number(/^pid (\d+)$/m.exec(text)?.[1]);
  return pid > 0 ? pid : undefined;
}
