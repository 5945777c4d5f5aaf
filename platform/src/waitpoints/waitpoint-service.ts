import type { EnvironmentRef } from "../projects/principal.ts";
import type { Packet, PageRequest } from "../runs/run.ts";
import type { Completion, WaitingRun, Waitpoint, WaitpointFilter, WaitpointRequest } from "./waitpoint.ts";

/** What the edges may ask about tokens. Ids are public (`waitpoint_…`). */
export interface WaitpointService {
  /** Errors: TOO_MANY_TAGS, STORAGE_FULL. */
  create(environment: EnvironmentRef, request: WaitpointRequest): Promise<{ id: string; isCached: boolean }>;
  /** Errors: MALFORMED_ID, TOKEN_NOT_FOUND; a token of another environment is not there. */
  retrieve(environment: EnvironmentRef, id: string): Promise<Waitpoint>;
  list(
    environment: EnvironmentRef,
    filter: WaitpointFilter,
    page: PageRequest,
  ): Promise<{ tokens: Waitpoint[]; next: string | undefined; previous: string | undefined }>;
  /** Which runs wait for each of these tokens now: the oldest 20 of each. */
  waitingRuns(environment: EnvironmentRef, ids: readonly string[]): Promise<Map<string, WaitingRun[]>>;
  /** Errors: MALFORMED_ID, TOKEN_NOT_FOUND, OUTPUT_TOO_LARGE. Completing what has ended changes nothing and says so. */
  complete(environment: EnvironmentRef, id: string, output: Packet): Promise<Completion>;
}
