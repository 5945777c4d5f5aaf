import type { Grant } from "@gantry/sdk/contract";
import { presetOf } from "../deployments/deployment-catalog.ts";
import type { Logger } from "../logging.ts";
import type { AdmittedRun, RunStore } from "../runs/run-store.ts";
import type { Announcements } from "../runs/announcements.ts";
import type { ConnectedWorkers } from "./connected-workers.ts";
import type { Executor } from "./executor.ts";
import { grantOf, type GrantDeps } from "./grants.ts";
import type { WorkerLink } from "./worker-service.ts";

export interface DispatchDeps extends GrantDeps {
  store: RunStore;
  workers: ConnectedWorkers;
  announcements: Announcements;
  executor: Executor;
  logger: Logger;
}

/** Brings admitted runs to workers: pushed to a connected one that has room, else a worker is launched for them. */
export class Dispatch {
  readonly #deps: DispatchDeps;

  constructor(deps: DispatchDeps) {
    this.#deps = deps;
  }

  async admitted(environmentId: number, runs: AdmittedRun[]): Promise<void> {
    await Promise.all([
      this.#push(environmentId, runs.filter((run) => run.direct)),
      this.#launch(environmentId, runs.filter((run) => !run.direct)),
    ]);
  }

  /** Executions that wait for a worker of this version go to the one that has come. */
  async start(link: WorkerLink): Promise<void> {
    const room = this.#deps.workers.freeOf(link);
    if (room <= 0) return;
    const runs = await this.#deps.store.start(
      { workerId: link.workerId, environmentId: link.environmentId, deploymentId: link.deploymentId, executionId: link.executionId },
      room,
    );
    const grants = await this.#grants(link.environmentId, runs);
    if (grants.length > 0) this.#send(link, grants);
  }

  /** Gives a grant made elsewhere (an onFailure hook) to a worker with room; false where there is none. */
  offer(environmentId: number, deploymentId: string, grant: Grant, runId: string): boolean {
    const link = this.#deps.workers.pick(environmentId, deploymentId);
    if (link === undefined) return false;
    this.#send(link, [{ grant, runId, isHook: true }]);
    return true;
  }

  async #push(environmentId: number, runs: AdmittedRun[]): Promise<void> {
    if (runs.length === 0) return;
    const grants = await this.#grants(environmentId, runs);
    const byLink = new Map<WorkerLink, typeof grants>();
    for (const one of grants) {
      const link = this.#deps.workers.pick(environmentId, one.deploymentId);
      if (link === undefined) {
        await this.#takeBack(environmentId, one.run);
        continue;
      }
      // Room is taken at once, so that the next pick sees it.
      this.#deps.workers.assign(link, [{ grant: one.grant, runId: one.runId, isHook: false }]);
      byLink.set(link, [...(byLink.get(link) ?? []), one]);
    }
    for (const [link, ones] of byLink) link.send({ type: "grant", grants: ones.map((one) => one.grant) });
  }

  /** The worker it was meant for has gone since admission counted it. */
  async #takeBack(environmentId: number, run: AdmittedRun): Promise<void> {
    const now = new Date().toISOString();
    const announcement = await this.#deps.store.requeue({
      environmentId,
      runId: run.runId,
      execution: run,
      nextAttempt: run.attempt,
      attempt: { number: run.attempt, startedAt: now, finishedAt: now, outcome: "LOST" },
      computeMs: 0,
      lost: false,
      deferred: false,
    });
    if (announcement !== "fenced") this.#deps.announcements.announce([announcement]);
  }

  async #grants(environmentId: number, runs: AdmittedRun[]) {
    const made = await Promise.all(
      runs.map(async (run) => {
        const grant = await grantOf(this.#deps, environmentId, run);
        if (grant === undefined) {
          this.#deps.logger.error({ runId: run.runId, deploymentId: run.deploymentId }, "an admitted run's version is unknown");
          return undefined;
        }
        return { grant, run, runId: run.runId, deploymentId: run.deploymentId, isHook: false };
      }),
    );
    return made.filter((one) => one !== undefined);
  }

  #send(link: WorkerLink, ones: { grant: Grant; runId: string; isHook: boolean }[]): void {
    this.#deps.workers.assign(link, ones);
    link.send({ type: "grant", grants: ones.map((one) => one.grant) });
  }

  async #launch(environmentId: number, runs: AdmittedRun[]): Promise<void> {
    if (runs.length === 0) return;
    const requests = await Promise.all(
      runs.map(async (run) => {
        const deployment = await this.#deps.catalog.byId(run.deploymentId);
        if (deployment === undefined) return undefined;
        const task = deployment.tasks.get(run.taskId)?.declaration;
        return {
          executionId: run.executionId,
          runId: run.runId,
          taskId: run.taskId,
          machine: presetOf(deployment.manifest, task, run.machine).name,
          deployment,
        };
      }),
    );
    await this.#deps.executor.launch(requests.filter((request) => request !== undefined));
    // A worker of the version may have come, or got room, since admission counted.
    for (const link of this.#deps.workers.links()) {
      if (link.environmentId === environmentId && runs.some((run) => run.deploymentId === link.deploymentId)) {
        await this.start(link);
      }
    }
  }
}
