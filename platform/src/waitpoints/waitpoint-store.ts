import type { Packet, PageRequest } from "../runs/run.ts";
import type { Completion, WaitingRun, Waitpoint, WaitpointFilter, WaitpointRequest } from "./waitpoint.ts";

/**
 * The truth about tokens. Ids are UUIDs, here and in what it answers; each method is one transaction. Errors:
 * STORE_UNAVAILABLE (retryable).
 */
export interface WaitpointStore {
  /** The same key answers with the same token until the key's time is over, whatever became of the token. */
  create(environmentId: number, id: string, request: WaitpointRequest): Promise<{ id: string; isCached: boolean }>;
  retrieve(environmentId: number, id: string): Promise<Waitpoint | undefined>;
  /** Newest first (with `before`: oldest first, those next to it). One more than asked says that there are more. */
  list(environmentId: number, filter: WaitpointFilter, page: PageRequest): Promise<Waitpoint[]>;
  /** Which runs wait for each of these tokens now, oldest first, up to `limit` of each. */
  waitingRuns(environmentId: number, ids: readonly string[], limit: number): Promise<Map<string, WaitingRun[]>>;
  /**
   * Ends the token and completes what waits for it, in one transaction; wake the wake loop after it. The first wins; one whose
   * time is over times out instead. Undefined: there is no such token.
   */
  complete(environmentId: number, id: string, output: Packet): Promise<Completion | undefined>;
}
