import { AppError } from "../errors.ts";
import { encodeId } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import { runUuid } from "../runs/run-ids.ts";
import type { JournalStore, JournalView } from "./journal-store.ts";

/** What the edges may ask about journals. Ids are public. */
export interface JournalService {
  /**
   * Up to `limit` entries whose number is above `after` (undefined: from the first), in their order; of a live run or one
   * that has ended. Errors: MALFORMED_ID, RUN_NOT_FOUND.
   */
  view(
    environment: EnvironmentRef,
    runId: string,
    page: { after?: number | undefined; limit: number },
  ): Promise<JournalView[]>;
}

export function createJournalService(store: Pick<JournalStore, "view">): JournalService {
  return {
    async view(environment, runId, { after, limit }) {
      const from = after === undefined ? 0 : after + 1;
      const entries = await store.view(environment.id, runUuid(runId), from, limit);
      if (entries === undefined) throw new AppError("RUN_NOT_FOUND", `There is no run ${runId} in this environment.`);
      return entries.map(withPublicIds);
    },
  };
}

function withPublicIds(entry: JournalView): JournalView {
  const id = (prefix: "run" | "batch" | "waitpoint", uuid: string | undefined) =>
    uuid === undefined ? undefined : encodeId(prefix, uuid);
  return {
    ...entry,
    tokenId: id("waitpoint", entry.tokenId),
    childRunId: id("run", entry.childRunId),
    batchId: id("batch", entry.batchId),
  };
}
