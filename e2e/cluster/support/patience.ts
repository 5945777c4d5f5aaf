import { Api, type RunView } from "../../support/api.ts";
import { eventually as within } from "../../support/eventually.ts";

/** A bound, not a measure: with two cores at work the kubelet takes its time. */
const PATIENCE_MS = 150_000;

/** As elsewhere, with patience for pods. */
export function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  withinMs = PATIENCE_MS,
): Promise<T> {
  return within(what, ask, withinMs);
}

/** The API as it is elsewhere, with patience for pods. */
export class ClusterApi extends Api {
  override untilStatus(id: string, status: string, withinMs = PATIENCE_MS): Promise<RunView> {
    return super.untilStatus(id, status, withinMs);
  }
}
