import type { NodeSize } from "../../cluster/cluster-facts.ts";
import { isJobOver, type OutcomeLimits, observeJob } from "../../cluster/job-outcome-policy.ts";
import type { WorkerObservation, WorkerObservations } from "../../cluster/worker-observations.ts";
import type { Logger } from "../../logging.ts";
import type { KnownJob, KnownJobs } from "./known-jobs.ts";

export interface JobObserverDeps {
  jobs: KnownJobs;
  observations: WorkerObservations;
  limits: OutcomeLimits;
  nodes: { current(): NodeSize[] | undefined; want(): void };
  log: Logger;
}

/** Changes that come together (a pod's states, its events) are looked at once. */
const DEBOUNCE_MS = 30;
/** The same reason in other words is told again after this. */
const RETELL_MS = 30_000;

/** Says of each Job what has become of its worker, once for each change. */
export class JobObserver {
  readonly #deps: JobObserverDeps;
  readonly #changed = new Set<KnownJob>();
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: JobObserverDeps) {
    this.#deps = deps;
  }

  changed(job: KnownJob | undefined): void {
    if (job === undefined || job.isSettled) return;
    this.#changed.add(job);
    this.#timer ??= setTimeout(() => void this.#look(), DEBOUNCE_MS);
  }

  /** Time has passed: what waits may have waited for long enough. */
  tick(): void {
    for (const job of this.#deps.jobs.all) this.changed(job);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#changed.clear();
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    const changed = [...this.#changed];
    this.#changed.clear();
    try {
      await this.#tellAll(changed);
    } catch (error) {
      // Asked again with the next tick.
      this.#deps.log.warn({ err: error }, "what was seen of workers could not be told; it is tried again");
    }
  }

  async #tellAll(changed: KnownJob[]): Promise<void> {
    const now = Date.now();
    const seen = changed.flatMap((job) => {
      const observation = this.#observe(job, now);
      return observation === undefined ? [] : [{ job, observation }];
    });
    const last = seen.filter(({ observation }) => observation.then !== "wait").map(({ job }) => job.executionId);
    const live = last.length === 0 ? new Set<string>() : await this.#deps.observations.liveAmong(last);
    await Promise.all(seen.map(({ job, observation }) => this.#tell(job, observation, live.has(job.executionId), now)));
  }

  /** Undefined where there is nothing new to say. */
  #observe(job: KnownJob, now: number): WorkerObservation | undefined {
    if (job.isSettled || !isWhole(job)) return undefined;
    const { limits, nodes } = this.#deps;
    const observation = observeJob(job, { now, limits, nodes: nodes.current() });
    if (isJobOver(job)) job.overAt ??= now;
    if (observation?.code === "UNSCHEDULABLE") nodes.want();
    if (observation === undefined) job.told = undefined;
    return observation === undefined || isTold(job, observation, now) ? undefined : observation;
  }

  async #tell(job: KnownJob, observation: WorkerObservation, isLive: boolean, now: number): Promise<void> {
    const isLast = observation.then !== "wait";
    // The usual end: the worker had told everything before it went.
    if (isLast && !isLive) {
      job.isSettled = true;
      return;
    }
    await this.#deps.observations.observed(job.executionId, observation);
    job.told = { what: whatOf(observation), message: observation.message, at: now };
    job.isSettled = isLast;
    const { executionId, name } = job;
    const { then, code, message } = observation;
    this.#deps.log.info(
      { executionId, job: name, then, code, reason: message },
      "a worker does not come, or is no more",
    );
  }
}

/** A pod, or an event, may be heard of before its Job. */
function isWhole({ jobSeenAt, pods }: KnownJob): boolean {
  return jobSeenAt !== undefined || (pods.length > 0 && pods.every((pod) => pod.isGone));
}

function isTold({ told }: KnownJob, observation: WorkerObservation, now: number): boolean {
  if (told === undefined || told.what !== whatOf(observation)) return false;
  return told.message === observation.message || now - told.at < RETELL_MS;
}

function whatOf({ then, code }: WorkerObservation): string {
  return `${then} ${code}`;
}
