import type { Limits, MetadataOperation } from "@gantry/sdk/contract";
import type { EnvironmentRef } from "../projects/principal.ts";
import { metadataAfter } from "../runs/run-metadata.ts";
import type { Completions, CompletionsDeps } from "./completions.ts";
import type { Assignment } from "./connected-workers.ts";
import type { Dispatch } from "./dispatch.ts";
import type { HeartbeatFlush } from "./heartbeat-flush.ts";
import type { WorkerService } from "./worker-service.ts";

export interface WorkersDeps extends CompletionsDeps {
  dispatch: Dispatch;
  completions: Completions;
  heartbeats: HeartbeatFlush;
  workerJournals: Pick<WorkerService, "journal" | "park">;
  workerCheckpoints: Pick<WorkerService, "checkpoint" | "restored" | "node">;
  leaseTtlMs: number;
  limits(environment: EnvironmentRef): Promise<Limits>;
}

/** What happens when a worker speaks; see WorkerService. */
export function createWorkerService(deps: WorkersDeps): WorkerService {
  const { store, workers, dispatch, completions, announcements, heartbeats, logger } = deps;
  const report = (what: string) => (error: unknown) => logger.error({ err: error }, what);

  return {
    async hello(link, message) {
      const known =
        message.executions.length === 0 ? { alive: [] } : await store.heartbeat(message.executions, deps.leaseTtlMs);
      const alive = new Set(known.alive);
      workers.adopt(link);
      workers.add(link);
      const has = new Set(message.executions.map((execution) => execution.executionId));
      workers.brings(link, alive);
      await Promise.all(workers.missing(link, has).map((lost) => takeBack(lost)));
      dispatch.expect(link.deploymentId);
      announcements.wake(link.environmentId);
      return { fenced: [...has].filter((executionId) => !alive.has(executionId)) };
    },

    capacity(link, free) {
      workers.setFree(link, free);
      void dispatch.start(link).catch(report("executions could not be started"));
      announcements.wake(link.environmentId);
    },

    started() {},

    heartbeat: (_link, message) => heartbeats.add(message.executions),

    journal: (link, message) => deps.workerJournals.journal(link, message),

    park: (link, message) => deps.workerJournals.park(link, message),

    checkpoint: (link, message) => deps.workerCheckpoints.checkpoint(link, message),

    restored: (link, message) => deps.workerCheckpoints.restored(link, message),

    node: (link, message) => deps.workerCheckpoints.node(link, message),

    complete: (link, message) => completions.complete(link, message),

    async events(_link, message) {
      await store.appendEvents(message, message.batch, message.attempt, message.events);
    },

    async metadata(link, message) {
      const environment = await deps.environmentById(link.environmentId);
      if (environment === undefined) return;
      const limits = await deps.limits(environment);
      const after = (operations: MetadataOperation[] | undefined) =>
        operations?.length ? (current: string | undefined) => metadataAfter(current, operations, limits) : undefined;
      await store.applyMetadataBatch(message, {
        number: message.batch,
        own: (current) => metadataAfter(current, message.operations, limits),
        parent: after(message.parentOperations),
        root: after(message.rootOperations),
      });
    },

    disconnected(link) {
      workers.remove(link);
    },
  };

  async function takeBack(lost: Assignment): Promise<void> {
    workers.release(lost.executionId);
    if (lost.isHook) return store.releaseFailureHook(lost.executionId, 0);
    await dispatch.takeBack(lost);
  }
}
