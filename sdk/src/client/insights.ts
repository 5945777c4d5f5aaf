import type {
  BatchListReply,
  BulkAction,
  BulkActionListReply,
  ClusterReply,
  EnvironmentUsage,
  ErrorGroup,
  ErrorListReply,
  RunCounts,
  Stats,
  TaskDetail,
  TaskListReply,
} from "../contract/api/index.ts";
import type { ApiClient } from "./api-client.ts";
import { type BulkActionOptions, bulkActionBody } from "./bulk-action-body.ts";
import { reviveDates } from "./dates.ts";
import type { HttpRequest } from "./http.ts";
import {
  type BatchListItem,
  type BulkActionItem,
  type ClusterItem,
  clusterFromReply,
  type EnvironmentItem,
  type EnvironmentUsageItem,
  type ErrorGroupItem,
  errorFromGroup,
  type StatsItem,
  statsFromReply,
  type TaskDetailItem,
  type TaskItem,
  taskDetailFromReply,
  taskFromReply,
} from "./insight-replies.ts";
import { type CreatedRange, createdQuery, joined, type ListRunsParams, runsQuery } from "./list-query.ts";
import { type PagePromise, pagePromise } from "./page.ts";

interface Paged {
  /** Items per page, at most 100; default 25. */
  limit?: number | undefined;
  /** The last item of the page before, as its `next` names it. */
  after?: string | undefined;
}
export interface BackAndForth extends Paged {
  /** The page of newer items before this one. */
  before?: string | undefined;
}
interface Period {
  /** How far back figures look: `"1h"`, `"24h"` (default), `"7d"`; 30 days at most. */
  period?: string | undefined;
}
export interface ListTasksParams extends Paged, Period {
  /** Part of the task's id. */
  search?: string | undefined;
}
export interface ListErrorsParams extends Paged, Period {
  taskIdentifier?: string | string[] | undefined;
  /** Part of the error's name, code or message. */
  search?: string | undefined;
}
export interface RunStatsParams extends Period {
  taskIdentifier?: string | string[] | undefined;
}
export type CountRunsParams = Omit<ListRunsParams, "limit" | "after" | "before">;
export type ListBatchesParams = BackAndForth & CreatedRange;

/** What a dashboard asks beside runs: tasks, errors, figures, bulk actions, batches, the cluster. One method each. */
export function insightsApi(api: ApiClient) {
  const get = async <T>(path: string, query: HttpRequest["query"] = {}): Promise<T> =>
    (await api.request<T>({ method: "GET", path, query, repeatable: "always" })).data;

  const listTasks = (params: ListTasksParams = {}): PagePromise<TaskItem> =>
    forward(
      get<TaskListReply>("/api/v1/tasks", { ...paged(params), "filter[search]": params.search, period: params.period }),
      taskFromReply,
      (after) => listTasks({ ...params, after }),
    );
  const listErrors = (params: ListErrorsParams = {}): PagePromise<ErrorGroupItem> =>
    forward(
      get<ErrorListReply>("/api/v1/errors", {
        ...paged(params),
        "filter[taskIdentifier]": joined(params.taskIdentifier),
        "filter[search]": params.search,
        period: params.period,
      }),
      errorFromGroup,
      (after) => listErrors({ ...params, after }),
    );
  const listBulkActions = (params: BackAndForth = {}): PagePromise<BulkActionItem> =>
    bothWays(
      get<BulkActionListReply>("/api/v1/bulk-actions", paged(params)),
      (item) => reviveDates(item),
      (cursor) => listBulkActions({ ...params, after: undefined, before: undefined, ...cursor }),
    );
  const listBatches = (params: ListBatchesParams = {}): PagePromise<BatchListItem> =>
    bothWays(
      get<BatchListReply>("/api/v1/batches", { ...paged(params), ...createdQuery(params) }),
      (item) => reviveDates(item),
      (cursor) => listBatches({ ...params, after: undefined, before: undefined, ...cursor }),
    );

  return {
    /** Tasks of the current version, by id. */
    listTasks,
    async retrieveTask(taskId: string, { period }: Period = {}): Promise<TaskDetailItem> {
      return taskDetailFromReply(await get<TaskDetail>(`/api/v1/tasks/${encodeURIComponent(taskId)}`, { period }));
    },
    /** Figures of the environment's ended runs, or of some tasks' alone. */
    async runStats(params: RunStatsParams = {}): Promise<StatsItem> {
      const query = { period: params.period, "filter[taskIdentifier]": joined(params.taskIdentifier) };
      return statsFromReply(await get<Stats>("/api/v1/runs/stats", query));
    },
    /** How many runs match, by status; a count stops at 10,000. */
    countRuns: (params: CountRunsParams = {}): Promise<RunCounts> => get("/api/v1/runs/counts", runsQuery(params)),
    /** Failed runs grouped by their error, the latest first. */
    listErrors,
    async retrieveError(fingerprint: string, { period }: Period = {}): Promise<ErrorGroupItem> {
      return errorFromGroup(await get<ErrorGroup>(`/api/v1/errors/${encodeURIComponent(fingerprint)}`, { period }));
    },
    async createBulkAction(options: BulkActionOptions): Promise<{ id: string }> {
      const json = bulkActionBody(options);
      const request = { method: "POST", path: BULK, json, repeatable: "undelivered" } as const;
      return (await api.request<{ id: string }>(request)).data;
    },
    async retrieveBulkAction(id: string): Promise<BulkActionItem> {
      return reviveDates(await get<BulkAction>(`${BULK}/${encodeURIComponent(id)}`));
    },
    /** It goes no further; what was done stays done. */
    async abortBulkAction(id: string): Promise<{ id: string }> {
      const path = `${BULK}/${encodeURIComponent(id)}/abort`;
      return (await api.request<{ id: string }>({ method: "POST", path, repeatable: "always" })).data;
    },
    /** Newest first. */
    listBulkActions,
    /** Newest first. */
    listBatches,
    /** Workers of the environment, and the nodes' room. */
    async retrieveCluster(): Promise<ClusterItem> {
      return clusterFromReply(await get<ClusterReply>("/api/v1/cluster"));
    },
    /** Environments that the credential may see. */
    async listEnvironments(): Promise<EnvironmentItem[]> {
      return (await get<{ data: EnvironmentItem[] }>("/api/v1/environments")).data;
    },
    /** The environment's limits, and how much of them is used. */
    async retrieveUsage(): Promise<EnvironmentUsageItem> {
      return reviveDates(await get<EnvironmentUsage>("/api/v1/limits/usage"));
    },
  };
}

const BULK = "/api/v1/bulk-actions";

function paged({ limit, after, before }: BackAndForth): HttpRequest["query"] {
  return { "page[size]": limit, "page[after]": after, "page[before]": before };
}

interface CursorReply<T> {
  data: T[];
  pagination: { next?: string | undefined; previous?: string | undefined };
}

function forward<T, Item>(
  reply: Promise<CursorReply<T>>,
  revive: (item: T) => Item,
  at: (after: string) => PagePromise<Item>,
): PagePromise<Item> {
  return bothWays(reply, revive, ({ after }) => at(after as string));
}

function bothWays<T, Item>(
  reply: Promise<CursorReply<T>>,
  revive: (item: T) => Item,
  at: (cursor: { after?: string; before?: string }) => PagePromise<Item>,
): PagePromise<Item> {
  return pagePromise(
    reply.then(({ data, pagination: { next, previous } }) => ({
      data: data.map(revive),
      next: next === undefined ? undefined : () => at({ after: next }),
      previous: previous === undefined ? undefined : () => at({ before: previous }),
    })),
  );
}
