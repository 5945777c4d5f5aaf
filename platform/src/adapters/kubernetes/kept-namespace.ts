import { accessProblem } from "./access-check.ts";
import { JobKeeper, type JobKeeperDeps } from "./job-keeper.ts";
import { KubeError } from "./kube-error.ts";

export interface KeptNamespaceDeps extends Omit<JobKeeperDeps, "reached" | "failed"> {
  /** The setting that names it. */
  setting: "KUBERNETES_NAMESPACE" | "CHECKPOINT_NAMESPACE";
  /** Why no Jobs can be made there has changed; undefined where they can. */
  changed(problem: string | undefined): void;
}

const CHECK_AGAIN_MS = 10_000;
/** What the cluster refused is tried again after this: somebody may have mended it. */
const REFUSAL_COUNTS_MS = 300_000;

/** A namespace that Jobs are made in: whether that is possible, and what becomes of them, which the leader alone watches. */
export class KeptNamespace {
  readonly #deps: KeptNamespaceDeps;
  readonly #keeper: JobKeeper;
  #problem: { message: string; isDecided: boolean } | undefined = {
    message: "The cluster has not been looked at yet.",
    isDecided: false,
  };
  #refusal: { message: string; at: number } | undefined;
  #told: string | undefined;
  /** It was found to be there once: from then on it is watched whatever happens. */
  #isReady = false;
  #isStopped = false;
  #checkTimer: NodeJS.Timeout | undefined;

  constructor(deps: KeptNamespaceDeps) {
    this.#deps = deps;
    this.#keeper = new JobKeeper({
      ...deps,
      reached: () => this.#found(undefined),
      failed: (error) => this.#failed(error),
    });
  }

  get namespace(): KeptNamespaceDeps["namespace"] {
    return this.#deps.namespace;
  }

  /** Why no Jobs can be made there now, as far as is known. */
  get problem(): string | undefined {
    return this.#problem?.message ?? this.refusal(Date.now());
  }

  /** Nothing speaks against asking for what is there. */
  get isOpen(): boolean {
    return this.#problem?.isDecided !== true;
  }

  /** What the cluster has said against Jobs there; undefined also where it says nothing at all. */
  refusal(now: number): string | undefined {
    if (this.#problem?.isDecided) return this.#problem.message;
    const { at, message } = this.#refusal ?? { at: Number.NEGATIVE_INFINITY, message: "" };
    return now - at < REFUSAL_COUNTS_MS ? message : undefined;
  }

  /** A Job or its pod was refused there, as the next would be. */
  refused(message: string): void {
    this.#refusal = { message, at: Date.now() };
    this.#tell();
  }

  /** Looks whether all that is needed is there and allowed, until it is; then watches. Never rejects. */
  async check(): Promise<void> {
    clearTimeout(this.#checkTimer);
    const { namespace, setting, nodes } = this.#deps;
    try {
      const message = await accessProblem(namespace, setting);
      await nodes.learn();
      this.#found(message === undefined ? undefined : { message, isDecided: true });
    } catch (error) {
      this.#failed(error);
    }
    if (this.#isStopped) return;
    if (this.#problem === undefined) {
      this.#isReady = true;
      this.follow();
    } else this.#checkTimer = setTimeout(() => void this.check(), CHECK_AGAIN_MS).unref();
  }

  /** As this platform leads, or not any more. */
  follow(): void {
    if (this.#isStopped) return;
    if (!this.#deps.leadership.isLeader) void this.#keeper.stop();
    else if (this.#isReady) this.#keeper.start();
  }

  /** The execution's Job is known to be here. */
  has(executionId: string): boolean {
    return this.#keeper.has(executionId);
  }

  /** See JobKeeper. */
  hasEnded(executionId: string): boolean {
    return this.#keeper.hasEnded(executionId);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#checkTimer);
    await this.#keeper.stop();
  }

  /** Removes every Job of this installation. */
  async clear(): Promise<void> {
    const { namespace } = this.#deps;
    const { items } = await namespace.listJobs();
    await Promise.all(items.map(({ metadata }) => namespace.deleteJob(metadata.name)));
  }

  #failed(error: unknown): void {
    const isDecided = error instanceof KubeError && !error.isTransient;
    this.#found({ message: (error as Error).message, isDecided });
  }

  #found(problem: { message: string; isDecided: boolean } | undefined): void {
    this.#problem = problem;
    this.#tell();
  }

  #tell(): void {
    const { problem } = this;
    if (problem === this.#told) return;
    this.#told = problem;
    this.#deps.changed(problem);
  }
}
