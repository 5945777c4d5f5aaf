import {
  batchListQuerySchema,
  batchListReplySchema,
  type Environment,
  environmentListReplySchema,
  errorGroupSchema,
  errorListQuerySchema,
  errorListReplySchema,
  errorQuerySchema,
  fingerprintSchema,
  statsQuerySchema,
  statsSchema,
  taskDetailSchema,
  taskIdSchema,
  taskListQuerySchema,
  taskListReplySchema,
  taskQuerySchema,
  usageReplySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import { decodeId } from "../../ids.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { decideAccess } from "../access-policy.ts";
import type { Identity } from "../authenticate.ts";
import type { Edge } from "../edge.ts";
import {
  errorView,
  listedBatchView,
  statsView,
  taskDetailView,
  taskView,
  toPeriodMs,
  usageView,
} from "../insight-view.ts";
import { createdRange, invalidQuery, splitList } from "../list-filter.ts";
import { type Route, route } from "../route.ts";

export const READ_INSIGHTS = { by: "policy", action: "read", kind: "insights" } as const;

/** What operators look at beside runs. Before the routes of single runs, batches and tasks: their paths begin alike. */
export function insightRoutes(edge: Edge): Route[] {
  return [listTasks, retrieveTask, runStats, listErrors, retrieveError, listBatches, listEnvironments, readUsage].map(
    (make) => make(edge),
  );
}

const listTasks = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/tasks",
    tag: "tasks",
    summary: "List the current version's tasks, with figures of the runs that ended lately",
    access: READ_INSIGHTS,
    query: taskListQuerySchema,
    reply: taskListReplySchema,
    async handle({ query, environment }) {
      const { "page[size]": size, "page[after]": after, "filter[search]": search, period } = query;
      const page = { size, after, search, periodMs: toPeriodMs(period) };
      const { tasks, next } = await edge.deps.insights.tasks(environment, page);
      return { data: tasks.map(taskView), pagination: { next } };
    },
  });

const retrieveTask = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/tasks/:taskId",
    tag: "tasks",
    summary: "Retrieve a task as the current version declares it, with its payload's JSON schema",
    access: READ_INSIGHTS,
    params: z.object({ taskId: taskIdSchema }),
    query: taskQuerySchema,
    reply: taskDetailSchema,
    async handle({ params, query, environment }) {
      const task = await edge.deps.insights.task(environment, params.taskId, toPeriodMs(query.period));
      if (task !== undefined) return taskDetailView(task);
      throw new AppError("TASK_NOT_FOUND", `The current version has no task "${params.taskId}".`);
    },
  });

const runStats = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/runs/stats",
    tag: "runs",
    summary: "Volume, failures and durations of the runs that ended lately",
    access: READ_INSIGHTS,
    query: statsQuerySchema,
    reply: statsSchema,
    async handle({ query, environment }) {
      const tasks = splitList(query["filter[taskIdentifier]"], "taskIdentifier");
      return statsView(await edge.deps.insights.stats(environment, tasks, toPeriodMs(query.period)));
    },
  });

const listErrors = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/errors",
    tag: "errors",
    summary: "Failed runs grouped by their error, the latest first",
    access: READ_INSIGHTS,
    query: errorListQuerySchema,
    reply: errorListReplySchema,
    async handle({ query, environment }) {
      const { "page[size]": size, "page[after]": after, "filter[search]": search, period } = query;
      const taskIds = splitList(query["filter[taskIdentifier]"], "taskIdentifier");
      const page = { size, after, search, taskIds, periodMs: toPeriodMs(period) };
      const { errors, next } = await edge.deps.insights.errors(environment, page);
      return { data: errors.map(errorView), pagination: { next } };
    },
  });

const retrieveError = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/errors/:fingerprint",
    tag: "errors",
    summary: "Retrieve an error group",
    access: READ_INSIGHTS,
    params: z.object({ fingerprint: fingerprintSchema }),
    query: errorQuerySchema,
    reply: errorGroupSchema,
    async handle({ params, query, environment }) {
      const group = await edge.deps.insights.error(environment, params.fingerprint, toPeriodMs(query.period));
      if (group !== undefined) return errorView(group);
      throw new AppError("ERROR_GROUP_NOT_FOUND", `There is no error ${params.fingerprint} in this environment.`);
    },
  });

const listBatches = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/batches",
    tag: "batches",
    summary: "List batches, newest first",
    access: READ_INSIGHTS,
    query: batchListQuerySchema,
    reply: batchListReplySchema,
    async handle({ query, environment }) {
      const range = createdRange(query, edge.deps.clock.now());
      const page = toListPage("batch", query);
      const { batches, next, previous } = await edge.deps.insights.batches(environment, range, page);
      return { data: batches.map(listedBatchView), pagination: { next, previous } };
    },
  });

const listEnvironments = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/environments",
    tag: "system",
    summary: "Environments that the credential may see: a key its own, a person all",
    access: { by: "identity" },
    reply: environmentListReplySchema,
    async handle({ identity }) {
      return { data: (await visibleEnvironments(edge, identity)).map(environmentView) };
    },
  });

const readUsage = (edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/limits/usage",
    tag: "system",
    summary: "Every limit of the environment, and how much of it is used",
    access: READ_INSIGHTS,
    reply: usageReplySchema,
    handle: async ({ environment }) => usageView(await edge.deps.insights.usage(environment)),
  });

/** Errors: FORBIDDEN for who may read nothing. */
async function visibleEnvironments(edge: Edge, { principal, environment }: Identity): Promise<EnvironmentRef[]> {
  const decision = decideAccess(principal, "read", [{ kind: "insights" }]);
  if (!decision.allow) throw new AppError("FORBIDDEN", decision.message);
  const isPerson = principal.kind === "access" || principal.kind === "user";
  if (isPerson) return edge.deps.projects.environments();
  return environment === undefined ? [] : [environment];
}

function environmentView({ publicId, slug, type, projectId, projectRef, projectName }: EnvironmentRef): Environment {
  return { id: publicId, slug, type, project: { id: projectId, ref: projectRef, name: projectName } };
}

interface PageQuery {
  "page[size]": number;
  "page[after]"?: string | undefined;
  "page[before]"?: string | undefined;
}

/** Errors: MALFORMED_ID, VALIDATION_FAILED. */
export function toListPage(prefix: "batch" | "bulk", query: PageQuery) {
  const { "page[size]": size, "page[after]": after, "page[before]": before } = query;
  if (after !== undefined && before !== undefined)
    throw invalidQuery("page[before]", "may not stand beside page[after]");
  for (const cursor of [after, before])
    if (cursor !== undefined && decodeId(prefix, cursor) === undefined)
      throw new AppError("MALFORMED_ID", `"${cursor.slice(0, 60)}" is no id of this list.`);
  return { size, ...(after === undefined ? {} : { after }), ...(before === undefined ? {} : { before }) };
}
