import type { RunStatus } from "../contract/index.ts";

/** When something was made. */
export interface CreatedRange {
  from?: Date | number | undefined;
  to?: Date | number | undefined;
  /** Instead of `from`: `"1h"`, `"7d"`. */
  period?: string | undefined;
}

export interface ListRunsParams extends CreatedRange {
  /** Items per page, at most 100; default 25. */
  limit?: number | undefined;
  /** A run's id: the page of older (after) or newer (before) runs. */
  after?: string | undefined;
  before?: string | undefined;
  status?: RunStatus | RunStatus[] | undefined;
  taskIdentifier?: string | string[] | undefined;
  version?: string | string[] | undefined;
  tag?: string | string[] | undefined;
  queue?: QueueFilter | QueueFilter[] | undefined;
  machine?: string | string[] | undefined;
  batch?: string | undefined;
  schedule?: string | undefined;
  /** Runs that a bulk action canceled, or made. */
  bulkAction?: string | undefined;
  parentRunId?: string | undefined;
  rootRunId?: string | undefined;
  /** Failed runs with this error: a fingerprint of `errors.list`. */
  error?: string | undefined;
  /** A run's or batch's id or its beginning; else a tag, an idempotency key, or how a task's id begins. */
  search?: string | undefined;
  isTest?: boolean | undefined;
}
export type QueueFilter = string | { type: "task" | "custom"; name: string };

/** The query string's parameters, as Trigger.dev's API names them; cursors are the page's own matter. */
export function runsQuery(params: ListRunsParams): Record<string, string | number | boolean | undefined> {
  return {
    "filter[status]": joined(params.status),
    "filter[taskIdentifier]": joined(params.taskIdentifier),
    "filter[version]": joined(params.version),
    "filter[tag]": joined(params.tag),
    "filter[queue]": joined(params.queue === undefined ? undefined : [params.queue].flat().map(queueName)),
    "filter[machine]": joined(params.machine),
    "filter[batch]": params.batch,
    "filter[schedule]": params.schedule,
    "filter[bulkAction]": params.bulkAction,
    "filter[parentRunId]": params.parentRunId,
    "filter[rootRunId]": params.rootRunId,
    "filter[error]": params.error,
    "filter[search]": params.search,
    "filter[isTest]": params.isTest,
    ...createdQuery(params),
  };
}

export function createdQuery({ from, to, period }: CreatedRange): Record<string, string | number | undefined> {
  return {
    "filter[createdAt][from]": epochMs(from),
    "filter[createdAt][to]": epochMs(to),
    "filter[createdAt][period]": period,
  };
}

export interface ListTokensParams extends CreatedRange {
  /** Items per page, at most 100; default 25. */
  limit?: number | undefined;
  /** A token's id: the page of older (after) or newer (before) tokens. */
  after?: string | undefined;
  before?: string | undefined;
  status?: TokenStatus | TokenStatus[] | undefined;
  idempotencyKey?: string | undefined;
  tags?: string | string[] | undefined;
}
export type TokenStatus = "WAITING" | "COMPLETED" | "TIMED_OUT";

export function tokensQuery(params: ListTokensParams): Record<string, string | number | undefined> {
  return {
    "page[size]": params.limit,
    "page[after]": params.after,
    "page[before]": params.before,
    "filter[status]": joined(params.status),
    "filter[idempotencyKey]": params.idempotencyKey,
    "filter[tags]": joined(params.tags),
    ...createdQuery(params),
  };
}

/** One value or several as the API takes them: `a,b`. */
export function joined(value: string | string[] | undefined): string | undefined {
  return value === undefined || value.length === 0 ? undefined : [value].flat().join(",");
}

function queueName(queue: QueueFilter): string {
  if (typeof queue === "string") return queue;
  return queue.type === "task" ? `task/${queue.name}` : queue.name;
}

function epochMs(at: Date | number | undefined): number | undefined {
  return at instanceof Date ? at.getTime() : at;
}
