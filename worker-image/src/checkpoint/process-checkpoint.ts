import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NodeFeatures, StoredCheckpoint } from "@gantry/sdk/contract";
import type { OsDifferences } from "../os-differences.ts";
import type { Reply, Request } from "../platform-link.ts";
import type { AttemptRef } from "../process-messages.ts";
import { signalPid } from "../signal-pid.ts";
import { encodeMemo, type StoredOutput } from "./checkpoint-memo.ts";
import type { ChunkTarget } from "./chunk-upload.ts";
import { uploadChunks } from "./chunk-upload.ts";
import { monotonicOf } from "./clock-file.ts";
import type { Criu } from "./criu.ts";
import { asNotStored, NotStored } from "./not-stored.ts";
import { pack } from "./pack.ts";
import { lookAtProcess, whyNotPackable, whyNotStorable } from "./process-check.ts";

/** The process that is to be stored. */
export interface StoredProcess {
  readonly pid: number | undefined;
  /** With which it calls in, and where. */
  readonly key: string;
  readonly socket: string;
  /** Has it close its connection until the file `until` exists. Errors: it has ended, or does not do so in time. */
  quiesce(until: string): Promise<void>;
  /** Resolves when it has called in again after that. Errors: it has ended, or does not do so in time. */
  returned(): Promise<void>;
  /** Takes over all that it has written; how far that is. It is stopped. */
  takeOutput(): Promise<{ stdout: StoredOutput; stderr: StoredOutput }>;
  /** Ends it: it is in a state that nobody knows. */
  giveUp(why: string): void;
}

/** The same for all checkpoints of a runner. */
export interface CheckpointPlace {
  criu: Criu;
  target(): ChunkTarget;
  /** For what is only needed while a process is stored; below `runsDir`. */
  workDir: string;
  carried: string[];
  /** Below them, and not carried. */
  excluded: string[];
  clockFile: string;
  features: NodeFeatures;
  os: Pick<OsDifferences, "descendants" | "memory">;
}

export interface CheckpointSubject {
  ref: { executionId: string; fence: string };
  from: AttemptRef;
  process: StoredProcess;
  request(request: Request): Promise<Reply>;
}

const GRANT_MS = 15_000;
/** Its pages lie on the pod's disk for a moment. */
const MAX_RESIDENT_BYTES = 2 * 1024 ** 3;
const FIRST_NUMBER = Date.now();
let made = 0;

/**
 * One attempt to store a process: it is quieted, dumped and left stopped, packed, sealed and sent. It counts for nothing until the
 * platform has taken a `park` with it: until then `goOn` lets the process go on where it stands, whatever has happened so far.
 */
export class ProcessCheckpoint {
  /** Stored, and its process stands still; else why not, and its process goes on. Never rejects. */
  readonly result: Promise<StoredCheckpoint | NotStored>;
  readonly #place: CheckpointPlace;
  readonly #subject: CheckpointSubject;
  readonly #abandoned = new AbortController();
  readonly #until: string;
  readonly #imagesDir: string;
  #isQuiet = false;

  constructor(place: CheckpointPlace, subject: CheckpointSubject) {
    this.#place = place;
    this.#subject = subject;
    const name = `${(FIRST_NUMBER + made++).toString(36)}`;
    this.#until = join(place.workDir, `${name}.go-on`);
    this.#imagesDir = join(place.workDir, name);
    this.result = this.#store().catch((thrown) => {
      void this.goOn();
      return asNotStored(thrown);
    });
  }

  /** The run goes on, or is over: nobody wants it any more. */
  abandon(): void {
    this.#abandoned.abort(new NotStored("CHECKPOINT_FAILED", "the run went on"));
  }

  get isAbandoned(): boolean {
    return this.#abandoned.signal.aborted;
  }

  /** Lets the process go on. Resolves when it has called in, or was ended because it did not. */
  async goOn(): Promise<void> {
    // First: an empty file needs room on the disk too.
    await rm(this.#imagesDir, { recursive: true, force: true }).catch(() => undefined);
    if (!this.#isQuiet) return;
    this.#isQuiet = false;
    const { process: stored } = this.#subject;
    try {
      await writeFile(this.#until, "");
      if (stored.pid !== undefined) signalPid(stored.pid, "SIGCONT");
      await stored.returned();
    } catch (error) {
      stored.giveUp((error as Error).message);
    } finally {
      await rm(this.#until, { force: true }).catch(() => undefined);
    }
  }

  async #store(): Promise<StoredCheckpoint> {
    const { process: stored } = this.#subject;
    const { criu, workDir, features } = this.#place;
    const pid = stored.pid;
    if (pid === undefined) throw new NotStored("CHECKPOINT_FAILED", "its process has no id yet");
    await Promise.all([this.#check(pid), this.#checkSize(pid), this.#checkFiles()]);
    const granted = this.#ask();
    // What another one left that its process was brought back from.
    await rm(workDir, { recursive: true, force: true });
    await mkdir(workDir, { recursive: true });
    this.#go();
    this.#isQuiet = true;
    await stored.quiesce(this.#until);
    this.#go();
    const dumpedAt = performance.now();
    await criu.dump(pid, this.#imagesDir);
    const clock = await this.#clock();
    const storedAt = performance.now();
    this.#go();
    // What it opened or started since the first look; it stands still now.
    await this.#check(pid);
    const output = await stored.takeOutput();
    const { checkpointId, key, maxStoredBytes } = await granted;
    this.#go();
    const { bytes, ...uploaded } = await this.#upload({ checkpointId, key }, maxStoredBytes);
    const memo = encodeMemo({ ...this.#names(pid), ...output, clock });
    return {
      checkpointId,
      ...uploaded,
      bytes,
      features,
      memo,
      dumpMs: storedAt - dumpedAt,
      storeMs: performance.now() - storedAt,
    };
  }

  #go(): void {
    this.#abandoned.signal.throwIfAborted();
  }

  async #check(pid: number): Promise<void> {
    const { os, carried } = this.#place;
    const why = whyNotStorable(await lookAtProcess(pid, os.descendants(pid)), carried);
    if (why) throw new NotStored("CHECKPOINT_REFUSED", why);
  }

  async #checkFiles(): Promise<void> {
    const why = await whyNotPackable(this.#place.carried);
    if (why) throw new NotStored("CHECKPOINT_REFUSED", why);
  }

  async #checkSize(pid: number): Promise<void> {
    const { rssBytes = 0 } = (await this.#place.os.memory(pid)) ?? {};
    const why = `it has ${Math.round(rssBytes / 1024 ** 2)} MB of memory, more than ${MAX_RESIDENT_BYTES / 1024 ** 2}`;
    if (rssBytes > MAX_RESIDENT_BYTES) throw new NotStored("CHECKPOINT_TOO_LARGE", why);
  }

  /** Asks for a checkpoint to put chunks into. */
  #ask(): Promise<{ checkpointId: string; key: string; maxStoredBytes: number }> {
    const { ref, request } = this.#subject;
    const late = new Promise<never>((_, reject) => {
      const error = new NotStored("CHECKPOINT_FAILED", `the platform did not answer within ${GRANT_MS / 1000} s`);
      setTimeout(() => reject(error), GRANT_MS).unref();
    });
    const answered = request({ type: "checkpoint", ...ref }).then(({ checkpoint, error }) => {
      if (checkpoint) return checkpoint;
      throw new NotStored("CHECKPOINT_FAILED", error?.message ?? "the platform gave no checkpoint");
    });
    const granted = Promise.race([answered, late]);
    granted.catch(() => undefined);
    return granted;
  }

  async #upload(chunkKey: { checkpointId: string; key: string }, maxStoredBytes: number) {
    const { carried, excluded, target } = this.#place;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#abandoned.signal]);
    try {
      const packed = pack({ include: carried, exclude: excluded }, signal);
      const uploaded = await uploadChunks(packed.pieces, chunkKey, target(), { maxStoredBytes, signal });
      return { ...uploaded, bytes: packed.bytes() };
    } finally {
      stop.abort();
    }
  }

  async #clock() {
    const { clockFile } = this.#place;
    return { file: clockFile, monotonicNs: String(await monotonicOf(clockFile)), wallMs: Date.now() };
  }

  #names(pid: number) {
    const { carried } = this.#place;
    const { from, process: stored } = this.#subject;
    const { key, socket } = stored;
    return { pid, key, socket, until: this.#until, imagesDir: this.#imagesDir, carried, from };
  }
}
