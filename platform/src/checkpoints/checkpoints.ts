import { CHECKPOINT_CHUNK_BYTES, type Limits } from "@gantry/sdk/contract";
import type { DeploymentCatalog } from "../deployments/deployment-catalog.ts";
import { type Machines, presetOf } from "../deployments/machines.ts";
import { AppError } from "../errors.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { RunDetail } from "../runs/run.ts";
import { runUuid } from "../runs/run-ids.ts";
import type { CheckpointService } from "./checkpoint-service.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";

export interface CheckpointsDeps {
  checkpoints: Pick<CheckpointStore, "putChunk" | "getChunk" | "ofRun">;
  catalog: Pick<DeploymentCatalog, "byVersion">;
  machines: Machines;
  environmentById(id: number): Promise<EnvironmentRef | undefined>;
  limits(environment: EnvironmentRef): Promise<Limits>;
  isStorageFull(): boolean;
}

/** In which a run has no worker, or a kept one; or one that brings its process back. */
const HAS_LEFT: ReadonlySet<RunDetail["status"]> = new Set(["WAITING", "QUEUED", "DELAYED", "DEQUEUED"]);

/** See CheckpointService. */
export function createCheckpointService(deps: CheckpointsDeps): CheckpointService {
  const { checkpoints } = deps;
  return {
    async allowChunk({ environmentId }, number) {
      if (deps.isStorageFull()) throw new AppError("STORAGE_FULL", "The database's disk is nearly full.");
      const environment = await deps.environmentById(environmentId);
      if (environment === undefined) throw new AppError("EXECUTION_FENCED", "The worker's environment is gone.");
      const { checkpointBytes } = await deps.limits(environment);
      if (number * CHECKPOINT_CHUNK_BYTES < checkpointBytes) return;
      throw new AppError("LIMIT_EXCEEDED", `A stored process may have ${checkpointBytes} bytes (checkpointBytes).`, {
        details: { limit: "checkpointBytes", max: checkpointBytes },
      });
    },

    async putChunk(owner, number, chunk) {
      if ((await checkpoints.putChunk(owner, number, chunk)) === "stored") return;
      throw new AppError("CHECKPOINT_SPENT", "No more is stored into this checkpoint by this worker.");
    },

    async getChunk(owner, number) {
      const chunk = await checkpoints.getChunk(owner, number);
      if (chunk !== undefined) return chunk;
      throw new AppError("CHECKPOINT_NOT_FOUND", "There is no such chunk for this worker.");
    },

    async ofRun(environment, run) {
      if (!HAS_LEFT.has(run.status)) return undefined;
      const parked = await checkpoints.ofRun(environment.id, runUuid(run.id));
      if (parked === undefined) return undefined;
      const { since, ...view } = parked;
      return {
        ...view,
        parkedAt: since ?? run.updatedAt,
        frees: parked.mode === "hold" ? undefined : await machineOf(environment, run),
      };
    },
  };

  async function machineOf(environment: EnvironmentRef, run: RunDetail): Promise<string | undefined> {
    const version = run.version === undefined ? undefined : await deps.catalog.byVersion(environment.id, run.version);
    const task = version?.tasks.get(run.taskId)?.declaration;
    return version === undefined ? run.machine : presetOf(deps.machines, version.manifest, task, run.machine).name;
  }
}
