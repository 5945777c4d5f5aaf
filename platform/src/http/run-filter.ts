import { RUN_STATUSES, type runFilterQuerySchema, type runListQuerySchema } from "@gantry/sdk/contract";
import type { z } from "zod";
import { AppError } from "../errors.ts";
import { decodeId } from "../ids.ts";
import type { PageRequest, RunFilter } from "../runs/run.ts";
import type { Resource } from "./access-policy.ts";
import { createdRange, invalidQuery, splitList, statusOf } from "./list-filter.ts";

type Query = z.output<typeof runFilterQuerySchema>;
type PageQuery = Pick<z.output<typeof runListQuerySchema>, "page[size]" | "page[after]" | "page[before]">;

/** A list's query as the engine's filter. Errors: VALIDATION_FAILED, MALFORMED_ID. */
export function toRunFilter(query: Query, nowMs: number): RunFilter {
  const filter: RunFilter = {};
  const lists = [
    ["taskIdentifier", "taskId"],
    ["version", "version"],
    ["tag", "tags"],
    ["queue", "queue"],
    ["machine", "machine"],
  ] as const;
  for (const [name, field] of lists) {
    const values = splitList(query[`filter[${name}]`], name);
    if (values !== undefined) filter[field] = values;
  }
  const statuses = splitList(query["filter[status]"], "status");
  if (statuses !== undefined) filter.status = statuses.map((name) => statusOf(name, RUN_STATUSES));
  if (query["filter[isTest]"] !== undefined) filter.isTest = query["filter[isTest]"] === "true";
  applyIds(filter, query);
  if (query["filter[error]"] !== undefined) filter.error = query["filter[error]"];
  if (query["filter[search]"] !== undefined) filter.search = query["filter[search]"];
  return { ...filter, ...createdRange(query, nowMs) };
}

export function toPageRequest(query: PageQuery): PageRequest {
  const { "page[size]": size, "page[after]": after, "page[before]": before } = query;
  for (const cursor of [after, before]) if (cursor !== undefined) demandId("run", cursor);
  if (after !== undefined && before !== undefined)
    throw invalidQuery("page[before]", "may not stand beside page[after]");
  return { size, ...(after === undefined ? {} : { after }), ...(before === undefined ? {} : { before }) };
}

/**
 * What a list shows, for the policy: all runs, unless every run in it carries the one tag, task or batch that it filters
 * by. Several tags or tasks are alternatives, so a token for one of them is not enough.
 */
export function listResources(filter: RunFilter): Resource[] {
  const only = (values: string[] | undefined) => (values?.length === 1 ? values[0] : undefined);
  const tag = only(filter.tags);
  const task = only(filter.taskId);
  return [
    { kind: "runs" },
    ...(tag === undefined ? [] : [{ kind: "tags" as const, id: tag }]),
    ...(task === undefined ? [] : [{ kind: "tasks" as const, id: task }]),
    ...(filter.batchId === undefined ? [] : [{ kind: "batch" as const, id: filter.batchId }]),
  ];
}

function applyIds(filter: RunFilter, query: Query): void {
  const ids = [
    ["filter[batch]", "batchId", "batch"],
    ["filter[parentRunId]", "parentRunId", "run"],
    ["filter[rootRunId]", "rootRunId", "run"],
    ["filter[schedule]", "scheduleId", "sched"],
    ["filter[bulkAction]", "bulkActionId", "bulk"],
  ] as const;
  for (const [name, field, prefix] of ids) {
    const id = query[name];
    if (id === undefined) continue;
    demandId(prefix, id);
    filter[field] = id;
  }
}

const KINDS = { run: "run", batch: "batch", sched: "schedule", bulk: "bulk action" };

function demandId(prefix: keyof typeof KINDS, id: string): void {
  if (decodeId(prefix, id) === undefined)
    throw new AppError("MALFORMED_ID", `"${id.slice(0, 80)}" is not the id of a ${KINDS[prefix]}.`);
}
