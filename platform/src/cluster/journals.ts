import type { Limits } from "@gantry/sdk/contract";
import type { CheckpointMetrics } from "../checkpoints/checkpoint-metrics.ts";
import { AppError } from "../errors.ts";
import type { JournalStore, ParkReply, ParkRequest } from "../journal/journal-store.ts";
import { maxHeldOf } from "../journal/max-held-policy.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { Announcements } from "../runs/announcements.ts";
import type { ConnectedWorkers } from "./connected-workers.ts";
import type { WorkerLink, WorkerService } from "./worker-service.ts";

export interface JournalsDeps {
  journals: JournalStore;
  workers: ConnectedWorkers;
  announcements: Announcements;
  checkpointMetrics: Pick<CheckpointMetrics, "stored" | "failed">;
  environmentById(id: number): Promise<EnvironmentRef | undefined>;
  limits(environment: EnvironmentRef): Promise<Limits>;
  /** Something is due, or may have woken a run, before the wake loop's next look. */
  wakeSoon(dueInMs: number): void;
}

/** What happens when a worker writes to a run's journal, or its run only waits; see WorkerService. */
export function createWorkerJournals(deps: JournalsDeps): Pick<WorkerService, "journal" | "park"> {
  const { journals, announcements } = deps;
  const limitsOf = async (link: WorkerLink) => {
    const environment = await deps.environmentById(link.environmentId);
    if (environment === undefined) throw fenced();
    return { environment, limits: await deps.limits(environment) };
  };

  return {
    async journal(link, { executionId, fence, known, entries }) {
      const owner = { environmentId: link.environmentId, executionId, fence };
      const { limits } = await limitsOf(link);
      const reply = await journals.append(owner, known, entries, limits);
      if (reply === "fenced") throw fenced();
      deps.workers.setParked(executionId, reply.state === "PARKED");
      for (const entry of entries) if (entry.type === "open") deps.wakeSoon(dueInMs(entry));
      // Stored beside a wait, by code that went on without a slot: the run is to have one again.
      if (reply.state === "PARKED" && entries.length > 0) deps.wakeSoon(0);
      return reply;
    },

    async park(link, message) {
      const { executionId, fence } = message;
      const { environment, limits } = await limitsOf(link);
      const owner = { environmentId: link.environmentId, executionId, fence };
      refuseBadCheckpoint(message, limits);
      const { environmentCheckpointBytes } = limits;
      const reply = await journals.park(owner, message, maxHeldOf(environment, limits), environmentCheckpointBytes);
      if (reply === "fenced") throw fenced();
      const { announcement, runId: _, refused, ...parked } = reply;
      if (refused !== undefined) throw refusal(refused);
      if (isFailure(message.reason)) deps.checkpointMetrics.failed("store", message.reason);
      if (parked.state === "SUSPENDED" && message.checkpoint !== undefined)
        deps.checkpointMetrics.stored(message.checkpoint);
      if (parked.state === "SUSPENDED") deps.workers.release(executionId);
      else deps.workers.setParked(executionId, parked.state === "PARKED");
      announcements.announce([announcement]);
      return parked;
    },
  };
}

function dueInMs(entry: {
  kind: string;
  due?: { inMs: number } | { at: number };
  timeoutMs?: number | undefined;
}): number {
  if (entry.due !== undefined) return "inMs" in entry.due ? entry.due.inMs : entry.due.at - Date.now();
  return entry.timeoutMs ?? Number.POSITIVE_INFINITY;
}

const isFailure = (reason: string) => reason.startsWith("CHECKPOINT_");

/** Errors: VALIDATION_FAILED, LIMIT_EXCEEDED. */
function refuseBadCheckpoint({ mode, checkpoint }: ParkRequest, { checkpointBytes }: Limits): void {
  if ((mode === "process") !== (checkpoint !== undefined))
    throw new AppError("VALIDATION_FAILED", "A checkpoint belongs to mode process, and to no other.");
  if (checkpoint !== undefined && checkpoint.storedBytes > checkpointBytes)
    throw refusal({ limit: "checkpointBytes", max: checkpointBytes });
}

function refusal(refused: NonNullable<ParkReply["refused"]> | { limit: "checkpointBytes"; max: number }): AppError {
  if (refused.limit === "incomplete")
    return new AppError("CHECKPOINT_INCOMPLETE", "What was stored is not what the worker has named.");
  const { limit, max } = refused;
  return new AppError("LIMIT_EXCEEDED", `The stored process is beyond what ${limit} allows, ${max} bytes.`, {
    details: { limit, max },
  });
}

function fenced(): AppError {
  return new AppError("EXECUTION_FENCED", "The execution is no longer this worker's.");
}
