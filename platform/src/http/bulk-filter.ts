import type { bulkActionFilterSchema } from "@gantry/sdk/contract";
import type { z } from "zod";
import type { RunFilter } from "../runs/run.ts";
import { toRunFilter } from "./run-filter.ts";

type Filter = z.output<typeof bulkActionFilterSchema>;
type Query = Parameters<typeof toRunFilter>[0];

/** A bulk action's filter as that of the list of runs with the same query. Errors: VALIDATION_FAILED, MALFORMED_ID. */
export function toBulkFilter(filter: Filter, nowMs: number): RunFilter {
  const { queue, isTest } = filter;
  const query: { [K in keyof Query]-?: string | undefined } = {
    "filter[status]": undefined,
    "filter[taskIdentifier]": undefined,
    "filter[version]": undefined,
    "filter[tag]": undefined,
    "filter[queue]": undefined,
    "filter[machine]": undefined,
    "filter[batch]": filter.batch,
    "filter[parentRunId]": filter.parentRunId,
    "filter[rootRunId]": filter.rootRunId,
    "filter[schedule]": filter.schedule,
    "filter[bulkAction]": filter.bulkAction,
    "filter[error]": filter.error,
    "filter[search]": filter.search,
    "filter[isTest]": isTest === undefined ? undefined : String(isTest),
    "filter[createdAt][from]": said(filter.from),
    "filter[createdAt][to]": said(filter.to),
    "filter[createdAt][period]": filter.period,
  };
  const chosen = toRunFilter(query as Query, nowMs);
  // Lists stay lists: a tag may hold the comma that separates them in a query.
  const lists: RunFilter = {};
  if (filter.status !== undefined) lists.status = [filter.status].flat();
  if (filter.taskIdentifier !== undefined) lists.taskId = [filter.taskIdentifier].flat();
  if (filter.version !== undefined) lists.version = [filter.version].flat();
  if (filter.tag !== undefined) lists.tags = [filter.tag].flat();
  if (filter.machine !== undefined) lists.machine = [filter.machine].flat();
  if (queue !== undefined) lists.queue = [queue].flat().map(queueName);
  return { ...chosen, ...lists };
}

function queueName(queue: string | { type: "task" | "custom"; name: string }): string {
  if (typeof queue === "string") return queue;
  return queue.type === "task" ? `task/${queue.name}` : queue.name;
}

function said(at: number | string | undefined): string | undefined {
  return at === undefined ? undefined : String(at);
}
