import { createHash } from "node:crypto";
import { WORKER_PROTOCOL_VERSION, type WorkerStart, type WorkerStartBody } from "@gantry/sdk/contract";
import type { DeploymentCatalog } from "../deployments/deployment-catalog.ts";
import { type Machines, presetOf } from "../deployments/machines.ts";
import { AppError } from "../errors.ts";
import { encodeId } from "../ids.ts";
import type { Logger } from "../logging.ts";
import type { VariablesService } from "../projects/variables-service.ts";
import type { RunStore } from "../runs/run-store.ts";
import type { WorkerCredentials } from "./credentials.ts";

export interface StartExchangeDeps {
  store: RunStore;
  catalog: DeploymentCatalog;
  machines: Machines;
  credentials: WorkerCredentials;
  variables: Pick<VariablesService, "resolve">;
  logger: Logger;
}

/** What a pod that was launched for one execution gets for its bootstrap token; see worker-start.ts in the contract. */
export type StartExchange = (token: string, body: WorkerStartBody) => Promise<WorkerStart>;

/**
 * Errors: UNAUTHORIZED, TOKEN_EXPIRED, BOOTSTRAP_TOKEN_USED where another pod was first, EXECUTION_FENCED where the run no
 * longer waits for this worker, PROTOCOL_MISMATCH.
 */
export function createStartExchange(deps: StartExchangeDeps): StartExchange {
  const { store, catalog, credentials, logger } = deps;
  return async (token, { nonce, protocol, host }) => {
    if (protocol !== WORKER_PROTOCOL_VERSION) {
      throw new AppError(
        "PROTOCOL_MISMATCH",
        `The worker speaks protocol ${protocol}, this platform ${WORKER_PROTOCOL_VERSION}.`,
      );
    }
    const { environmentId, executionId, deploymentId } = claimsOf(token, credentials);
    const bound = await store.bindWorker(environmentId, executionId, createHash("sha256").update(nonce).digest());
    if (bound === "used") {
      logger.warn({ executionId, host }, "a bootstrap token was used a second time, by another pod; it was refused");
      throw new AppError("BOOTSTRAP_TOKEN_USED", "Another pod has used this bootstrap token.");
    }
    const deployment = await catalog.byId(deploymentId);
    if (bound === undefined || deployment === undefined) {
      throw new AppError("EXECUTION_FENCED", "The run does not wait for this worker any more.");
    }
    const task = deployment.tasks.get(bound.taskId)?.declaration;
    const workerId = encodeId("worker", executionId);
    return {
      workerId,
      workerToken: credentials.issueWorkerToken({ workerId, environmentId, deploymentId, executionId }),
      executionId,
      machine: presetOf(deps.machines, deployment.manifest, task, bound.machine),
      entry: deployment.manifest.entry,
      variables: await deps.variables.resolve(environmentId),
    };
  };
}

function claimsOf(token: string, credentials: WorkerCredentials) {
  const claims = credentials.verifyBootstrapToken(token);
  if (claims === "expired") throw new AppError("TOKEN_EXPIRED", "The worker came after its start deadline.");
  if (claims === undefined) throw new AppError("UNAUTHORIZED", "The bootstrap token is not valid here.");
  return claims;
}
