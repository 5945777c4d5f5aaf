import type { Grant } from "@gantry/sdk/contract";
import { encodeId } from "../ids.ts";
import type { Logger } from "../logging.ts";
import type { Announcements } from "../runs/announcements.ts";
import type { AdmittedRun, AwaitedExecution, ExecutionRef, RunStore } from "../runs/run-store.ts";
import type { ConnectedWorkers } from "./connected-workers.ts";
import type { Executor } from "./executor.ts";
import { type GrantDeps, grantOf } from "./grants.ts";
import { type LaunchDeps, launchRequestsOf } from "./launch-request.ts";
import type { TellWorker } from "./tell-worker.ts";
import type { WorkerLink } from "./worker-service.ts";

export interface DispatchDeps extends GrantDeps {
  store: RunStore;
  checkpoints: GrantDeps["checkpoints"] & NonNullable<LaunchDeps["checkpoints"]>;
  /** Whether this installation has workers that may store their task's process. */
  storesProcesses: boolean;
  workers: ConnectedWorkers;
  announcements: Announcements;
  executor: Executor;
  tellWorker: TellWorker;
  logger: Logger;
  /** Milliseconds that a worker has to come. */
  startDeadlineMs: number;
}

/** Brings admitted runs to workers: pushed to a connected one that has room, else a worker is launched for them. */
export class Dispatch {
  readonly #deps: DispatchDeps;
  /** Versions of which executions may wait for a worker: only these are asked for when a worker has room. */
  readonly #awaited = new Set<string>();
  /** Executions that this platform has launched a worker for, where each needs one of its own. */
  readonly #launched = new Set<string>();

  constructor(deps: DispatchDeps) {
    this.#deps = deps;
  }

  async admitted(environmentId: number, admitted: AdmittedRun[]): Promise<void> {
    // Their workers have them: they ask for what they waited for.
    for (const run of admitted) if (run.resumes) this.#deps.tellWorker(run.executionId, "wake");
    const runs = admitted.filter((run) => !run.resumes);
    await Promise.all([
      this.#push(
        environmentId,
        runs.filter((run) => run.direct),
      ),
      this.#launch(
        environmentId,
        runs.filter((run) => !run.direct),
      ),
    ]);
  }

  /** Something may wait for a worker of this version: the next with room looks. */
  expect(deploymentId: string): void {
    this.#awaited.add(deploymentId);
  }

  /** Executions that wait for a worker of this version go to the one that has come. */
  async start(link: WorkerLink): Promise<void> {
    const room = this.#deps.workers.freeOf(link);
    if (room <= 0) return;
    const isAwaited = this.#awaited.delete(link.deploymentId);
    // One that was launched for an execution is awaited by that one, whatever another of its version has just found.
    if (!isAwaited && link.executionId === undefined) return;
    const runs = await this.#started(link, room);
    if (runs.length >= room) this.#awaited.add(link.deploymentId);
    const grants = await this.#grants(link.environmentId, runs);
    if (grants.length > 0) this.#send(link, grants);
  }

  /**
   * Launches workers again for what has waited a while: its platform may have been killed between admitting and
   * launching, or the launch may have failed. Harmless where a worker is on its way.
   */
  async relaunch(): Promise<void> {
    const { store, executor, workers } = this.#deps;
    const awaited = await store.awaitedExecutions(executor.launchesEach ? "each" : "onePerVersion");
    for (const { deploymentId } of awaited) this.expect(deploymentId);
    const waiting = new Set(awaited.map(({ executionId }) => executionId));
    for (const executionId of this.#launched) if (!waiting.has(executionId)) this.#launched.delete(executionId);
    const unlaunched = awaited.filter(({ executionId }) => !this.#launched.has(executionId));
    if (executor.launchesEach) await this.#launchAll(unlaunched);
    // One version's failure is not another's.
    else for (const one of unlaunched) await this.#launchAll([one]);
    for (const link of workers.links()) await this.start(link);
  }

  async #started(link: WorkerLink, room: number): Promise<AdmittedRun[]> {
    const { workerId, environmentId, deploymentId, executionId } = link;
    try {
      return await this.#deps.store.start({ workerId, environmentId, deploymentId, executionId }, room);
    } catch (error) {
      this.expect(deploymentId);
      throw error;
    }
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
    const byLink = new Map<WorkerLink, Grant[]>();
    for (const one of grants) {
      const link = this.#deps.workers.pick(environmentId, one.deploymentId);
      if (link === undefined) {
        await this.takeBack({ ...one.run, environmentId });
        continue;
      }
      // Room is taken at once, so that the next pick sees it.
      this.#deps.workers.assign(link, [{ grant: one.grant, runId: one.runId, isHook: false }]);
      const grantsOfLink = byLink.get(link);
      if (grantsOfLink === undefined) byLink.set(link, [one.grant]);
      else grantsOfLink.push(one.grant);
    }
    for (const [link, ones] of byLink) link.send({ type: "grant", grants: ones });
  }

  /** A run that no worker ever got, since the one it was meant for has gone: it is free for another, at nobody's cost. */
  async takeBack(run: ExecutionRef & { environmentId: number; runId: string; attempt: number }): Promise<void> {
    const now = new Date().toISOString();
    const put = await this.#deps.store.requeue({
      environmentId: run.environmentId,
      runId: run.runId,
      execution: run,
      nextAttempt: run.attempt,
      attempt: { number: run.attempt, startedAt: now, finishedAt: now, outcome: "LOST" },
      computeMs: 0,
      lost: false,
      deferred: false,
    });
    if (put !== "fenced") this.#deps.announcements.announce([put.announcement]);
  }

  /** Its version is gone, or has no such task (one was promoted that lacks it): nobody could ever run it. */
  async #giveUp(environmentId: number, run: AdmittedRun): Promise<void> {
    const { store, catalog, announcements, logger } = this.#deps;
    const deployment = await catalog.byId(run.deploymentId);
    const error =
      deployment === undefined
        ? { name: "DeploymentNotFound", code: "DEPLOYMENT_NOT_FOUND", message: "The run's version no longer exists." }
        : {
            name: "TaskNotFound",
            code: "TASK_NOT_FOUND",
            message: `Version ${deployment.version}, which was current when the run was to start, has no task "${run.taskId}".`,
          };
    const finished = await store.finish([
      { environmentId, runId: run.runId, execution: run, status: "SYSTEM_FAILURE", error },
    ]);
    announcements.announce(finished.map((one) => one.announcement));
    logger.error({ runId: encodeId("run", run.runId), code: error.code }, error.message);
  }

  async #grants(environmentId: number, runs: AdmittedRun[]) {
    const made = await Promise.all(
      runs.map(async (run) => {
        const grant = await grantOf(this.#deps, environmentId, run);
        if (grant === undefined) {
          await this.#giveUp(environmentId, run);
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

  /** Gives the execution's own worker what it was launched for, where it is here. */
  offerToOwn(executionId: string, grant: Grant, runId: string): boolean {
    const link = this.#deps.workers.launchedFor(executionId);
    if (link === undefined || this.#deps.workers.freeOf(link) <= 0) return false;
    this.#send(link, [{ grant, runId, isHook: true }]);
    return true;
  }

  /** The executions wait until their start deadline, and it is tried again until then. */
  async #launchAll(awaited: AwaitedExecution[]): Promise<void> {
    if (awaited.length === 0) return;
    const { executor, logger } = this.#deps;
    // At once, so that nobody launches them again while the executor is at work.
    if (executor.launchesEach) for (const { executionId } of awaited) this.#launched.add(executionId);
    try {
      // Also where no process is stored any more: one that was must not be started anew without a word.
      await executor.launch(await launchRequestsOf(this.#deps, awaited));
    } catch (error) {
      for (const { executionId } of awaited) this.#launched.delete(executionId);
      const deploymentIds = [...new Set(awaited.map(({ deploymentId }) => deploymentId))];
      logger.error({ err: error, deploymentIds }, "workers could not be launched; it is tried again");
    }
  }

  async #launch(environmentId: number, runs: AdmittedRun[]): Promise<void> {
    if (runs.length === 0) return;
    const startDeadlineAt = new Date(Date.now() + this.#deps.startDeadlineMs);
    const awaited = await Promise.all(
      runs.map(async (run) => {
        const deployment = await this.#deps.catalog.byId(run.deploymentId);
        if (deployment?.tasks.has(run.taskId) !== true) {
          await this.#giveUp(environmentId, run);
          return undefined;
        }
        this.expect(deployment.id);
        return { ...run, environmentId, startDeadlineAt };
      }),
    );
    const launching = this.#launchAll(awaited.filter((one) => one !== undefined));
    // A hundred Jobs take a while: the next runs need not wait for them.
    if (!this.#deps.executor.launchesEach) await launching;
    // A worker of the version may have come, or got room, since admission counted.
    for (const link of this.#deps.workers.links()) {
      if (link.environmentId === environmentId && runs.some((run) => run.deploymentId === link.deploymentId)) {
        await this.start(link);
      }
    }
  }
}
