import { RUN_STATUSES, type RunStatus, type runListQuerySchema } from "@gantry/sdk/contract";
import type { z } from "zod";
import { didYouMean } from "../did-you-mean.ts";
import { AppError } from "../errors.ts";
import { decodeId } from "../ids.ts";
import type { PageRequest, RunFilter } from "../runs/run.ts";
import type { Resource } from "./access-policy.ts";
import { parseDurationMs, parseFilterInstant } from "./duration.ts";

type Query = z.output<typeof runListQuerySchema>;
const MAX_VALUES = 100;

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
    const values = split(query[`filter[${name}]`], name);
    if (values !== undefined) filter[field] = values;
  }
  const statuses = split(query["filter[status]"], "status");
  if (statuses !== undefined) filter.status = statuses.map(toStatus);
  if (query["filter[isTest]"] !== undefined) filter.isTest = query["filter[isTest]"] === "true";
  applyIds(filter, query);
  applyRange(filter, query, nowMs);
  return filter;
}

export function toPageRequest(query: Query): PageRequest {
  const { "page[size]": size, "page[after]": after, "page[before]": before } = query;
  for (const cursor of [after, before]) if (cursor !== undefined) demandId("run", cursor);
  if (after !== undefined && before !== undefined) throw invalid("page[before]", "may not stand beside page[after]");
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
  ] as const;
  for (const [name, field, prefix] of ids) {
    const id = query[name];
    if (id === undefined) continue;
    demandId(prefix, id);
    filter[field] = id;
  }
}

function applyRange(filter: RunFilter, query: Query, nowMs: number): void {
  const period = query["filter[createdAt][period]"];
  if (period !== undefined) {
    const ms = parseDurationMs(period);
    if (ms === undefined) throw invalid("filter[createdAt][period]", `"${period}" is no duration`);
    filter.from = new Date(Math.max(0, nowMs - ms));
  }
  for (const side of ["from", "to"] as const) {
    const said = query[`filter[createdAt][${side}]`];
    if (said === undefined) continue;
    const at = parseFilterInstant(said);
    if (at === undefined)
      throw invalid(`filter[createdAt][${side}]`, `"${said}" is neither milliseconds nor an ISO date`);
    filter[side] = at;
  }
}

function split(text: string | undefined, name: string): string[] | undefined {
  if (text === undefined) return undefined;
  const values = [
    ...new Set(
      text
        .split(",")
        .map((value) => value.trim())
        .filter((value) => value !== ""),
    ),
  ];
  if (values.length > MAX_VALUES)
    throw invalid(`filter[${name}]`, `has ${values.length} values; ${MAX_VALUES} are allowed`);
  return values.length === 0 ? undefined : values;
}

function toStatus(name: string): RunStatus {
  const known = RUN_STATUSES.find((status) => status === name);
  if (known !== undefined) return known;
  const near = didYouMean(name, RUN_STATUSES);
  throw invalid(
    "filter[status]",
    `"${name.slice(0, 40)}" is no status${near === undefined ? "" : `; did you mean "${near}"?`}`,
  );
}

function demandId(prefix: "run" | "batch", id: string): void {
  if (decodeId(prefix, id) === undefined)
    throw new AppError("MALFORMED_ID", `"${id.slice(0, 80)}" is not the id of a ${prefix}.`);
}

function invalid(path: string, message: string): AppError {
  return new AppError("VALIDATION_FAILED", `The query is not valid: ${path}: ${message}.`, {
    details: { issues: [{ path, message }] },
  });
}
