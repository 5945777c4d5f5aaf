import type { Limits } from "@gantry/sdk/contract";
import type { CheckpointMetrics } from "../checkpoints/checkpoint-metrics.ts";
import type { CheckpointStore } from "../checkpoints/checkpoint-store.ts";
import { AppError } from "../errors.ts";
import type { Logger } from "../logging.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { WorkerService } from "./worker-service.ts";

export interface WorkerCheckpointsDeps {
  checkpoints: Pick<CheckpointStore, "begin" | "spend" | "noteNode">;
  /** Whether this installation has workers that may store their task's process. */
  storesProcesses: boolean;
  checkpointMetrics: Pick<CheckpointMetrics, "restored">;
  environmentById(id: number): Promise<EnvironmentRef | undefined>;
  limits(environment: EnvironmentRef): Promise<Limits>;
  isStorageFull(): boolean;
  logger: Pick<Logger, "error">;
}

/** What happens when a worker stores its task's process, or has brought one back; see WorkerService. */
export function createWorkerCheckpoints(
  deps: WorkerCheckpointsDeps,
): Pick<WorkerService, "checkpoint" | "restored" | "node"> {
  const { checkpoints, logger } = deps;

  return {
    async checkpoint({ environmentId }, { executionId, fence }) {
      refuseWhereOff(deps);
      const environment = await deps.environmentById(environmentId);
      if (environment === undefined) throw fenced();
      const { checkpointBytes, environmentCheckpointBytes } = await deps.limits(environment);
      const begun = await checkpoints.begin({ environmentId, executionId, fence }, environmentCheckpointBytes);
      if (begun === "fenced") throw fenced();
      if ("limit" in begun) {
        throw new AppError(
          "LIMIT_EXCEEDED",
          `The environment's stored processes have as many bytes as ${begun.limit} allows, ${begun.max}.`,
          { details: { limit: begun.limit, max: begun.max } },
        );
      }
      return { ...begun, maxStoredBytes: checkpointBytes };
    },

    async restored({ environmentId }, { executionId, fence, checkpointId, fetchMs, restoreMs }) {
      const spent = await checkpoints.spend({ environmentId, executionId, fence }, checkpointId);
      if (spent === "fenced") throw fenced();
      if (spent === "spent") throw new AppError("CHECKPOINT_SPENT", "This stored process is not the run's any more.");
      deps.checkpointMetrics.restored({ fetchMs, restoreMs });
      return { granted: true };
    },

    node(_link, { features, works, reason }) {
      // The next worker on the node says it again.
      checkpoints.noteNode(features, works, reason).catch((error: unknown) => {
        logger.error({ err: error, node: features.node }, "what a worker found out about its node was not stored");
      });
    },
  };
}

/** Errors: CHECKPOINT_UNAVAILABLE. */
function refuseWhereOff({ storesProcesses, isStorageFull }: WorkerCheckpointsDeps): void {
  if (!storesProcesses) throw new AppError("CHECKPOINT_UNAVAILABLE", "This platform stores no processes.");
  if (isStorageFull()) throw new AppError("CHECKPOINT_UNAVAILABLE", "The database's disk is nearly full.");
}

function fenced(): AppError {
  return new AppError("EXECUTION_FENCED", "The execution is no longer this worker's.");
}
