import { rm, writeFile } from "node:fs/promises";
import type { MachinePreset, RestoreGrant } from "@gantry/sdk/contract";
import type { CheckpointMemo } from "../checkpoint/checkpoint-memo.ts";
import type { Reply, Request } from "../platform-link.ts";
import type { ToTaskProcess } from "../process-messages.ts";
import { signalPid } from "../signal-pid.ts";
import type { Restored, TaskChild } from "../task-child.ts";
import type { BroughtBack } from "./bring-back.ts";

export interface RestoringOptions {
  ref: { executionId: string; fence: string };
  restore: RestoreGrant;
  machine: MachinePreset;
  /** See bring-back.ts. */
  bringBack(restore: RestoreGrant, signal: AbortSignal): Promise<BroughtBack>;
  adopt(machine: MachinePreset, restored: Restored): Promise<TaskChild>;
  request(request: Request): Promise<Reply>;
}

/** What became of it. But for `granted` nothing of the process is left, and nothing of it ran. */
export type RestoringEnd =
  /** The checkpoint is spent: the process may go on. */
  | { kind: "granted"; back: StoppedProcess }
  | { kind: "notRestored"; reason: string }
  /** The execution is someone else's, or the process went on elsewhere. */
  | { kind: "notOurs" }
  /** `stop` was called. */
  | { kind: "stopped" };

/** A process that is back, and stopped. */
export interface StoppedProcess {
  child: TaskChild;
  memo: CheckpointMemo;
  fetchMs: number;
  restoreMs: number;
}

/**
 * Brings a run's process back, as far as a process that is stopped and may go on:
 *
 *   bringing → asking → granted
 *
 * `bringing` may be given up at any time, and tried again anywhere. In `asking` the platform spends the checkpoint, which takes
 * effect or not, whatever becomes of the answer; it is asked again until it answers.
 */
export class Restoring {
  readonly #options: RestoringOptions;
  readonly #stop = new AbortController();
  #child: TaskChild | undefined;
  #isAsking = false;

  constructor(options: RestoringOptions) {
    this.#options = options;
  }

  /** The checkpoint may be spent. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** Ends what there is of the process. */
  stop(): void {
    this.#stop.abort(new Error("it was given up"));
    this.#child?.killNow(undefined);
  }

  /** Never rejects. */
  async run(): Promise<RestoringEnd> {
    const { restore, bringBack, request, ref } = this.#options;
    const { signal } = this.#stop;
    try {
      const back = await bringBack(restore, signal);
      const child = await this.#adopt(back);
      if (signal.aborted) return this.#over({ kind: "stopped" });
      if (child.hasEnded) throw new Error("the process ended as soon as it was back");
      this.#isAsking = true;
      const { checkpointId } = restore;
      const [fetchMs, restoreMs] = [Math.round(back.fetchMs), Math.round(back.restoreMs)];
      const reply = await request({ type: "restored", ...ref, checkpointId, fetchMs, restoreMs });
      if (signal.aborted) return this.#over({ kind: "stopped" });
      if (reply.restored?.granted) return { kind: "granted", back: { child, memo: back.memo, fetchMs, restoreMs } };
      return this.#over(refused(reply));
    } catch (error) {
      if (signal.aborted) return this.#over({ kind: "stopped" });
      return this.#over({ kind: "notRestored", reason: reasonOf(error) });
    }
  }

  async #adopt({ memo, parent }: BroughtBack): Promise<TaskChild> {
    const { key, pid, socket, stdout, stderr } = memo;
    const { adopt, machine } = this.#options;
    try {
      this.#child = await adopt(machine, { key, pid, socket, parent, stdout, stderr });
      return this.#child;
    } catch (error) {
      // Nobody else knows of it.
      signalPid(pid);
      throw error;
    }
  }

  #over(end: RestoringEnd): RestoringEnd {
    this.#child?.killNow(undefined);
    return end;
  }
}

function refused({ error }: Reply): RestoringEnd {
  if (error?.code === "CHECKPOINT_SPENT" || error?.code === "EXECUTION_FENCED") return { kind: "notOurs" };
  return {
    kind: "notRestored",
    reason: `the platform did not let it go on: ${error?.message ?? "no reason was given"}`,
  };
}

const REASON_CHARACTERS = 1000;

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, REASON_CHARACTERS);
}

/** Lets the process go on, and leaves word of who it is now. */
export async function letGoOn({ memo, child }: StoppedProcess, goOn: ToTaskProcess | undefined): Promise<void> {
  await writeFile(memo.until, goOn ? JSON.stringify(goOn) : "", { mode: 0o600 });
  child.wake();
}

/** It has gone on: what it was made of is of no use any more. */
export function cleanUp({ memo }: StoppedProcess): void {
  for (const path of [memo.until, memo.imagesDir])
    void rm(path, { recursive: true, force: true }).catch(() => undefined);
}
