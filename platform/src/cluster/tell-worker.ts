import type { Logger } from "../logging.ts";
import type { Bus } from "./bus.ts";
import type { ConnectedWorkers } from "./connected-workers.ts";
import type { Executor } from "./executor.ts";

export interface TellWorkerDeps {
  bus: Bus;
  workers: ConnectedWorkers;
  executor: Executor;
  logger: Logger;
}

export type TellWorker = (executionId: string, what: "cancel" | "drop" | "wake", reason?: string) => void;

/**
 * Says to an execution's worker that its run is canceled, no longer its own, or has news: over its connection where that is here,
 * else by the replica that has it. A message that is lost costs a heartbeat: the answer to the next says the same.
 */
export function createTellWorker({ bus, workers, executor, logger }: TellWorkerDeps): TellWorker {
  const here: (...told: Parameters<TellWorker>) => boolean = (executionId, what, reason) => {
    const link = workers.linkOf(executionId);
    if (what === "wake") link?.send({ type: "wake", executionId });
    else link?.send({ type: "cancel", executionId, ...(reason === undefined ? {} : { reason }) });
    if (what === "drop") workers.release(executionId);
    return link !== undefined;
  };
  bus.subscribe((message) => {
    if (message.type === "tellWorker") here(message.executionId, message.what, message.reason);
  });
  return (executionId, what, reason) => {
    if (!here(executionId, what, reason))
      bus.publish({ type: "tellWorker", executionId, what, ...(reason === undefined ? {} : { reason }) });
    if (what !== "drop") return;
    executor.abandon(executionId).catch((error: unknown) => {
      logger.warn(
        { err: error, executionId },
        "a worker that is not needed any more could not be ended; it ends by itself",
      );
    });
  };
}
