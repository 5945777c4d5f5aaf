import type { MetadataOperation } from "@gantry/sdk/contract";
import type { AppError } from "../errors.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type {
  BatchDetail,
  Explanation,
  Packet,
  PageRequest,
  RunCount,
  RunDetail,
  RunFilter,
  RunPage,
  StoredRunEvent,
  TriggerRequest,
  TriggerResult,
} from "./run.ts";

/** What the edges may ask about runs. Ids are public ids; an unknown or foreign id is `undefined` or RUN_NOT_FOUND. */
export interface RunService {
  /**
   * Queues runs, durably: when it resolves, they are committed. One bad request does not fail the others.
   *
   * Shape:  one entry per request, in order.
   * Errors: per item TASK_NOT_FOUND, QUEUE_NOT_FOUND, QUEUE_FULL, PAYLOAD_TOO_LARGE, TREE_TOO_DEEP, …; for all STORE_UNAVAILABLE.
   * `fence` is given when a run asks: a stale execution gets EXECUTION_FENCED.
   */
  trigger(
    environment: EnvironmentRef,
    requests: TriggerRequest[],
    fence?: { executionId: string; fence: string },
  ): Promise<(TriggerResult | AppError)[]>;
  /** Whether this execution still owns its run (or runs its onFailure): what a fenced one asks to be written is refused. */
  isCurrent(
    environment: EnvironmentRef,
    runId: string,
    execution: { executionId: string; fence: string },
  ): Promise<boolean>;
  retrieve(environment: EnvironmentRef, runId: string): Promise<RunDetail | undefined>;
  list(environment: EnvironmentRef, filter: RunFilter, page: PageRequest): Promise<RunPage>;
  count(environment: EnvironmentRef, filter: RunFilter): Promise<RunCount[]>;
  /** An intent: CANCELED at once where it is on no worker, else its worker is told. Canceling an ended run changes nothing. */
  cancel(environment: EnvironmentRef, runId: string, reason?: string): Promise<void>;
  /** A new run with the same task, payload and options, `overrides` on top. */
  replay(environment: EnvironmentRef, runId: string, overrides: Partial<TriggerRequest>): Promise<TriggerResult>;
  reschedule(environment: EnvironmentRef, runId: string, delayUntil: Date): Promise<void>;
  addTags(environment: EnvironmentRef, runId: string, tags: string[]): Promise<string[]>;
  /** Replaces the object, or applies operations; returns the object after it. */
  updateMetadata(
    environment: EnvironmentRef,
    runId: string,
    change: {
      replace?: Packet;
      operations?: MetadataOperation[];
      parentOperations?: MetadataOperation[];
      rootOperations?: MetadataOperation[];
    },
  ): Promise<Record<string, unknown>>;
  explain(environment: EnvironmentRef, runId: string): Promise<Explanation | undefined>;
  events(
    environment: EnvironmentRef,
    runId: string,
    options: { after?: string; limit: number },
  ): Promise<StoredRunEvent[] | undefined>;
  /** Ends a live run as SYSTEM_FAILURE whatever its worker does: the operator's last resort. */
  forceFail(environment: EnvironmentRef, runId: string, reason: string): Promise<void>;
  /** Clears a key so that the next trigger with it makes a new run. */
  resetIdempotencyKey(environment: EnvironmentRef, taskId: string | undefined, key: string): Promise<boolean>;

  createBatch(
    environment: EnvironmentRef,
    batch: { expectedCount: number; idempotencyKey?: string; parentRunId?: string },
  ): Promise<{ batchId: string; isCached: boolean }>;
  /** Triggers items of a batch; an index that was sent before is answered, not repeated. */
  addToBatch(
    environment: EnvironmentRef,
    batchId: string,
    items: { index: number; request: TriggerRequest }[],
  ): Promise<({ index: number } & ({ result: TriggerResult } | { error: AppError }))[]>;
  sealBatch(environment: EnvironmentRef, batchId: string): Promise<void>;
  retrieveBatch(environment: EnvironmentRef, batchId: string): Promise<BatchDetail | undefined>;

  /** Large payloads kept beside the run until it is triggered. Kept a day. */
  putPacket(environment: EnvironmentRef, name: string, packet: Packet): Promise<void>;
  getPacket(environment: EnvironmentRef, name: string): Promise<Packet | undefined>;
}
