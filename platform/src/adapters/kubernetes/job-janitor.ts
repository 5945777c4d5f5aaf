import type { WorkerObservations } from "../../cluster/worker-observations.ts";
import type { Logger } from "../../logging.ts";
import type { KnownJob, KnownJobs } from "./known-jobs.ts";
import type { RunsNamespace } from "./runs-namespace.ts";

export interface JobJanitorDeps {
  jobs: KnownJobs;
  namespace: RunsNamespace;
  observations: WorkerObservations;
  /** Milliseconds a Job stays after its end. */
  finishedTtlMs: number;
  failedTtlMs: number;
  /** The cluster's epoch as far as it is known: Jobs of an older one belong to a database that was replaced. */
  epoch(): number;
  log: Logger;
}

/** A worker that has just told its end is still on its way out. */
const ORPHAN_AFTER_MS = 10_000;
/** A sidecar that outlives its run keeps the pod, with what it reserves. */
const SIDECAR_PATIENCE_MS = 5_000;
/** For a worker that nobody waits for. */
export const ABANDON_GRACE_SECONDS = 5;

/** Removes Jobs that have ended, a while after, and those whose executions are no longer live. */
export class JobJanitor {
  readonly #deps: JobJanitorDeps;
  readonly #deleting = new Set<string>();

  constructor(deps: JobJanitorDeps) {
    this.#deps = deps;
  }

  /** Errors: those of the store; what the cluster refuses is logged and tried again with the next tick. */
  async tick(now: number): Promise<void> {
    const { jobs } = this.#deps;
    jobs.forgetGone(now);
    const present = [...jobs.all].filter((known) => known.job && known.job.metadata.deletionTimestamp === undefined);
    const over = present.filter((known) => known.overAt !== undefined);
    await Promise.all([
      ...over
        .filter((known) => now - (known.overAt as number) >= this.#ttlOf(known))
        .map((known) => this.#remove(known)),
      this.#removeOrphans(
        present.filter((known) => known.overAt === undefined),
        now,
      ),
    ]);
  }

  #ttlOf({ job, pods }: KnownJob): number {
    const conditions = job?.status?.conditions?.filter(({ status }) => status === "True") ?? [];
    if (pods.some(({ pod, isGone }) => !isGone && pod.status?.phase === "Running")) return SIDECAR_PATIENCE_MS;
    return conditions.some(({ type }) => type === "Failed") ? this.#deps.failedTtlMs : this.#deps.finishedTtlMs;
  }

  async #removeOrphans(running: KnownJob[], now: number): Promise<void> {
    if (running.length === 0) return;
    const { observations, epoch } = this.#deps;
    const live = await observations.liveAmong(running.map(({ executionId }) => executionId));
    const orphans = running.filter((known) => {
      if (live.has(known.executionId) && known.epoch >= epoch()) {
        known.orphanSince = undefined;
        return false;
      }
      known.orphanSince ??= now;
      return now - known.orphanSince >= ORPHAN_AFTER_MS;
    });
    await Promise.all(orphans.map((known) => this.#abandon(known)));
  }

  #remove({ name }: KnownJob): Promise<void> {
    return this.#once(name, () => this.#deps.namespace.deleteJob(name));
  }

  async #abandon({ name, executionId }: KnownJob): Promise<void> {
    await this.#once(name, async () => {
      await this.#deps.namespace.deleteExecution(executionId, ABANDON_GRACE_SECONDS);
      this.#deps.log.info({ executionId, job: name }, "removed a Job whose execution is over or was given to another");
    });
  }

  async #once(name: string, remove: () => Promise<void>): Promise<void> {
    if (this.#deleting.has(name)) return;
    this.#deleting.add(name);
    try {
      await remove();
    } catch (error) {
      this.#deps.log.warn({ err: error, job: name }, "a Job could not be removed; it is tried again");
    } finally {
      this.#deleting.delete(name);
    }
  }
}
