import { join } from "node:path";
import type { NodeFeatures } from "@gantry/sdk/contract";
import type { ProcessAbility } from "../checkpoint-policy.ts";
import type { OsDifferences } from "../os-differences.ts";
import type { ProcessStore } from "../parking.ts";
import { AttemptStore, type StoredAttempt } from "./attempt-store.ts";
import type { ChunkTarget } from "./chunk-upload.ts";
import { type Criu, realCriu } from "./criu.ts";
import { nodeFeatures } from "./node-features.ts";
import { type CheckpointSubject, ProcessCheckpoint } from "./process-checkpoint.ts";
import { selfTest } from "./self-test.ts";

export interface RunnerCheckpointsOptions {
  criuDir: string;
  /** The node's name, where it was told. */
  node: string | undefined;
  runsDir: string;
  carried: string[];
  compileCacheDir: string | undefined;
  clockFile: string;
  target(): ChunkTarget;
  os: OsDifferences;
}

/** As the platform hears it. */
export interface NodeReport {
  features: NodeFeatures;
  works: boolean;
  reason?: string;
}

/** A runner's checkpoints: whether they work on this node, as it has tried, and each one that is made. */
export class RunnerCheckpoints {
  readonly criu: Criu;
  readonly #options: RunnerCheckpointsOptions;
  #report: NodeReport | undefined;
  #isTesting = false;
  #onTested: ((report: NodeReport) => void)[] = [];

  constructor(options: RunnerCheckpointsOptions, criu = realCriu(options.criuDir)) {
    this.#options = options;
    this.criu = criu;
  }

  get report(): NodeReport | undefined {
    return this.#report;
  }

  get ability(): ProcessAbility {
    if (!this.#report) return { is: "untested" };
    return this.#report.works ? { is: "able" } : { is: "unable", reason: "CHECKPOINT_UNAVAILABLE" };
  }

  /** Called once, when it is known whether they work; at once where it is. */
  onTested(listener: (report: NodeReport) => void): void {
    if (this.#report) listener(this.#report);
    else this.#onTested.push(listener);
  }

  /** Finds out whether they work: by a process of its own; where one `wasRestored` here, that has shown it. Once. */
  async test(wasRestored: boolean): Promise<void> {
    if (this.#isTesting) return;
    this.#isTesting = true;
    const why = wasRestored ? undefined : await this.#try().catch((error: unknown) => String(error));
    this.#tested(await nodeFeatures(this.#options.node), why);
  }

  async #try(): Promise<string | undefined> {
    const { criuDir, runsDir } = this.#options;
    // Twice: a process that is booted meanwhile has the runner end what is below it.
    const test = () => selfTest(criuDir, this.criu, runsDir);
    return (await test()) === undefined ? undefined : test();
  }

  /** What an execution lets be done with its process. */
  storeOf(attempt: StoredAttempt): ProcessStore {
    return new AttemptStore(this, attempt);
  }

  /** Begins to store a process; only where they work. */
  begin(subject: CheckpointSubject): ProcessCheckpoint {
    const { runsDir, carried, compileCacheDir, clockFile, target, os } = this.#options;
    if (!this.#report) throw new Error("it is not known yet whether checkpoints work here");
    const { features } = this.#report;
    const excluded = [clockFile, ...(compileCacheDir === undefined ? [] : [compileCacheDir])];
    const workDir = join(runsDir, "checkpoint");
    const place = { criu: this.criu, target, workDir, carried, excluded, clockFile, features, os };
    return new ProcessCheckpoint(place, subject);
  }

  #tested(features: NodeFeatures, why: string | undefined): void {
    this.#report = { features, works: why === undefined, ...(why === undefined ? {} : { reason: why.slice(0, 1000) }) };
    for (const listener of this.#onTested.splice(0)) listener(this.#report);
  }
}
