import type { OutcomeLimits } from "../../cluster/job-outcome-policy.ts";
import type { Leadership } from "../../cluster/leadership.ts";
import type { WorkerObservations } from "../../cluster/worker-observations.ts";
import type { Logger } from "../../logging.ts";
import { JobJanitor } from "./job-janitor.ts";
import { JobObserver } from "./job-observer.ts";
import { KnownJobs } from "./known-jobs.ts";
import { NamespaceWatch } from "./namespace-watch.ts";
import type { NodeSizes } from "./node-sizes.ts";
import type { RunsNamespace } from "./runs-namespace.ts";

export interface JobKeeperDeps {
  namespace: RunsNamespace;
  observations: WorkerObservations;
  leadership: Leadership;
  limits: OutcomeLimits;
  nodes: NodeSizes;
  finishedTtlMs: number;
  failedTtlMs: number;
  epoch(): number;
  /** The cluster answers, or does not, with why. */
  reached(): void;
  failed(error: unknown): void;
  log: Logger;
}

const TICK_MS = 1_000;
const JANITOR_EVERY_TICKS = 5;
/** A list of everything repairs what a watch has missed. */
const REPAIR_EVERY_TICKS = 45;
const CUT_LOGGED_EVERY_MS = 30_000;

/** The leader's part: watches a namespace of runs, tells what it sees, removes what is over. May be started and stopped at will. */
export class JobKeeper {
  readonly #deps: JobKeeperDeps;
  readonly #jobs = new KnownJobs();
  readonly #observer: JobObserver;
  readonly #janitor: JobJanitor;
  #watch: NamespaceWatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  #cutLoggedAt = 0;

  constructor(deps: JobKeeperDeps) {
    this.#deps = deps;
    this.#observer = new JobObserver({ ...deps, jobs: this.#jobs });
    this.#janitor = new JobJanitor({ ...deps, jobs: this.#jobs });
  }

  has(executionId: string): boolean {
    return this.#jobs.get(executionId)?.job !== undefined;
  }

  /** Its container ended by itself: nothing is left to end, and its log may be wanted. */
  hasEnded(executionId: string): boolean {
    const known = this.#jobs.get(executionId);
    if (known?.overAt === undefined) return false;
    // A pod that somebody deleted may be replaced by its Job.
    return known.pods.every(({ pod, isGone }) => !isGone && pod.metadata.deletionTimestamp === undefined);
  }

  start(): void {
    if (this.#watch !== undefined) return;
    const { log, namespace } = this.#deps;
    const watch = new NamespaceWatch(namespace, {
      jobSeen: (job) => this.#observer.changed(this.#jobs.jobSeen(job, Date.now())),
      jobGone: (job) => this.#observer.changed(this.#jobs.jobGone(job.metadata.name)),
      podSeen: (pod) => this.#observer.changed(this.#jobs.podSeen(pod, false, Date.now())),
      podGone: (pod) => this.#observer.changed(this.#jobs.podSeen(pod, true, Date.now())),
      eventSeen: (event) => this.#observer.changed(this.#jobs.eventSeen(event, Date.now())),
      failed: (what, error) => this.#cut(what, error),
    });
    this.#watch = watch;
    log.info({ namespace: namespace.name }, "watching a namespace of runs");
    void watch.start();
    this.#timer = setInterval(() => void this.#tick(), TICK_MS).unref();
  }

  async stop(): Promise<void> {
    const watch = this.#watch;
    this.#watch = undefined;
    clearInterval(this.#timer);
    this.#observer.stop();
    this.#jobs.clear();
    await watch?.stop();
  }

  /** While the API is away each try fails: one line now and then says so. */
  #cut(what: string, error: unknown): void {
    const now = Date.now();
    if (now - this.#cutLoggedAt < CUT_LOGGED_EVERY_MS) return;
    this.#cutLoggedAt = now;
    this.#deps.log.warn(
      { err: error, what, namespace: this.#deps.namespace.name },
      "a watch of a namespace of runs was cut; it is made again",
    );
  }

  async #tick(): Promise<void> {
    if (!this.#deps.leadership.isLeader) return;
    this.#ticks += 1;
    this.#observer.tick();
    const failed = (error: unknown) =>
      this.#deps.log.warn({ err: error }, "a look at the runs' Jobs failed; it is repeated");
    if (this.#ticks % JANITOR_EVERY_TICKS === 0) await this.#janitor.tick(Date.now()).catch(failed);
    if (this.#ticks % REPAIR_EVERY_TICKS === 0) await this.#repair();
  }

  /** Compares what is known with what is there. Only what was known before the list was asked for can be missing from it. */
  async #repair(): Promise<void> {
    const askedAt = Date.now();
    const { namespace, reached, failed } = this.#deps;
    try {
      const [jobs, pods] = await Promise.all([namespace.listJobs(), namespace.listPods()]);
      reached();
      if (this.#watch === undefined) return;
      this.#compare(jobs.items, pods.items, askedAt);
    } catch (error) {
      failed(error);
    }
  }

  #compare(
    jobs: Parameters<KnownJobs["jobSeen"]>[0][],
    pods: Parameters<KnownJobs["podSeen"]>[0][],
    askedAt: number,
  ): void {
    const now = Date.now();
    for (const job of jobs) this.#observer.changed(this.#jobs.jobSeen(job, now));
    for (const pod of pods) this.#observer.changed(this.#jobs.podSeen(pod, false, now));
    const present = new Set([...jobs, ...pods].map(({ metadata }) => metadata.name));
    for (const known of this.#jobs.all) {
      const isMissing = known.job !== undefined && (known.jobSeenAt ?? now) < askedAt && !present.has(known.name);
      if (isMissing) this.#observer.changed(this.#jobs.jobGone(known.name));
      for (const { pod, isGone, seenAt } of known.pods) {
        if (!isGone && seenAt < askedAt && !present.has(pod.metadata.name))
          this.#observer.changed(this.#jobs.podSeen(pod, true, now));
      }
    }
  }
}
