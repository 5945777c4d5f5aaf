import { ApiClient } from "../client/api-client.ts";
import { inOwnRegion } from "./region.ts";
import { requireScope } from "./run-scope.ts";

/** Adds tags to the run around the caller. Errors: outside a run; the API's, e.g. over 10 tags. */
async function add(tags: string | string[]): Promise<void> {
  const { ctx } = requireScope("tags.add()");
  const added = [tags].flat();
  // A tag that is added again, as on a replay, is the one that is there: nothing that a step would have to hold.
  await inOwnRegion(() => ApiClient.forCall().addTags(ctx.run.id, added));
  ctx.run.tags = [...new Set([...ctx.run.tags, ...added])];
}

export const tags = { add };
