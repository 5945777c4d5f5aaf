import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { CheckpointMemo } from "../../src/checkpoint/checkpoint-memo.ts";
import { OPERATING_SYSTEMS } from "../../src/os-differences.ts";
import type { AttemptRef } from "../../src/process-messages.ts";
import type { RunnerParts } from "./runner-parts.ts";

/** A task process that is stopped, as CRIU leaves it when it has brought one back; here it was never away. */
export interface StoppedProcess {
  memo: CheckpointMemo;
  parent: ChildProcess;
}

/** Stops the task process of `runner`, and lets that runner's socket be another's. */
export async function stopProcess(runner: RunnerParts, from: AttemptRef, dir: string): Promise<StoppedProcess> {
  const { path } = runner.sockets;
  const { pid, key } = taskProcess(path);
  process.kill(pid, "SIGSTOP");
  await isStopped(pid);
  await runner.sockets.close();
  const output = (stream: string) => {
    const file = join(dir, `${key.slice(0, 12)}.${stream}`);
    return { path: file, offset: statSync(file).size };
  };
  const memo: CheckpointMemo = {
    version: 1,
    pid,
    key,
    socket: path,
    until: join(dir, "until"),
    carried: [dir],
    imagesDir: join(dir, "images"),
    stdout: output("out"),
    stderr: output("err"),
    clock: { file: join(dir, "clock"), monotonicNs: "0", wallMs: 0 },
    from,
  };
  return { memo, parent: parentOf(pid) };
}

/** The child of this process that was told to call in there. */
function taskProcess(socket: string): { pid: number; key: string } {
  for (const pid of OPERATING_SYSTEMS.linux.descendants(process.pid)) {
    const told = /GANTRY_TASK_PROCESS=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, "utf8"))?.[1];
    const config = told && (JSON.parse(told) as { socket: string; key: string });
    if (config && config.socket === socket) return { pid, key: config.key };
  }
  throw new Error(`no process calls in at ${socket}`);
}

/** T: it is stopped. */
export function stateOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];
  } catch {
    return undefined;
  }
}

/** A signal is sent at once, and stops a process when the processor is that process's again. */
export async function isStopped(pid: number): Promise<void> {
  for (let state = stateOf(pid); state !== "T"; state = stateOf(pid)) {
    if (state === undefined || state === "Z") throw new Error(`process ${pid} ended instead of being stopped`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Plays a task-parent: it ends when the process does. */
function parentOf(pid: number): ChildProcess {
  const parent = Object.assign(new EventEmitter(), { pid: undefined, exitCode: null, signalCode: null });
  const timer = setInterval(() => {
    const state = stateOf(pid);
    if (state !== undefined && state !== "Z") return;
    clearInterval(timer);
    parent.emit("exit", null, "SIGKILL");
  }, 5);
  return parent as unknown as ChildProcess;
}
