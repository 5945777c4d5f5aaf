import type { BulkActionFilter, CreateBulkActionBody } from "../contract/api/index.ts";
import type { ListRunsParams } from "./list-query.ts";

/** As `runs.list`, without pages; at least one of them. */
export type BulkActionFilterParams = Omit<ListRunsParams, "limit" | "after" | "before">;

/** Which runs: those that match a filter, or those of these ids. 10,000 at most; of a filter's the newest. */
export type BulkSelection =
  | { filter: BulkActionFilterParams; runIds?: undefined }
  | { runIds: string[]; filter?: undefined };
export type BulkOptions = BulkSelection & {
  /** For people. */
  name?: string | undefined;
};
export type BulkActionOptions = BulkOptions & { action: "cancel" | "replay" };

export function bulkActionBody({ action, name, filter, runIds }: BulkActionOptions): CreateBulkActionBody {
  const named = name === undefined ? {} : { name };
  if (filter === undefined) return { action, ...named, runIds: runIds ?? [] };
  const { from, to, ...rest } = filter;
  const instants = { from: toMs(from), to: toMs(to) };
  return { action, ...named, filter: { ...rest, ...instants } as BulkActionFilter };
}

function toMs(at: Date | number | undefined): number | undefined {
  return at instanceof Date ? at.getTime() : at;
}
