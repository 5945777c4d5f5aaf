import {
  type BulkAction as BulkActionReply,
  bulkActionIdReplySchema,
  bulkActionListQuerySchema,
  bulkActionListReplySchema,
  bulkActionSchema,
  createBulkActionBodySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import type { BulkAction, BulkFailure } from "../../runs/bulk-action.ts";
import { toBulkFilter } from "../bulk-filter.ts";
import type { Edge } from "../edge.ts";
import { type Route, route, SMALL_BODY } from "../route.ts";
import { READ_INSIGHTS, toListPage } from "./insights.ts";

const PATH = "/api/v1/bulk-actions";
const params = z.object({ bulkActionId: z.string().max(200) });
const WRITE = { by: "policy", action: "write", kind: "insights" } as const;

/** Canceling or replaying many runs. */
export function bulkActionRoutes(edge: Edge): Route[] {
  return [create, list, retrieve, abort].map((make) => make(edge));
}

const create = (edge: Edge) =>
  route({
    method: "post",
    path: PATH,
    tag: "bulk actions",
    summary: "Cancel or replay many runs, by a filter or by their ids; the platform goes through them by itself",
    access: WRITE,
    body: { schema: createBulkActionBodySchema, limit: SMALL_BODY },
    reply: bulkActionIdReplySchema,
    async handle({ body, environment }) {
      const { action, name, filter, runIds, targetRegion } = body;
      if (targetRegion !== undefined || filter?.region !== undefined) throw noRegions();
      const id = await edge.deps.bulkActions.create(environment, {
        type: action === "cancel" ? "CANCEL" : "REPLAY",
        name,
        filter: filter && { sent: filter, runs: toBulkFilter(filter, edge.deps.clock.now()) },
        runIds,
      });
      return { id };
    },
  });

const list = (edge: Edge) =>
  route({
    method: "get",
    path: PATH,
    tag: "bulk actions",
    summary: "List bulk actions, newest first",
    access: READ_INSIGHTS,
    query: bulkActionListQuerySchema,
    reply: bulkActionListReplySchema,
    async handle({ query, environment }) {
      const { actions, next, previous } = await edge.deps.bulkActions.list(environment, toListPage("bulk", query));
      return { data: actions.map((action) => view(action, [])), pagination: { next, previous } };
    },
  });

const retrieve = (edge: Edge) =>
  route({
    method: "get",
    path: `${PATH}/:bulkActionId`,
    tag: "bulk actions",
    summary: "How far a bulk action is, and what it could not be done to",
    access: READ_INSIGHTS,
    params,
    reply: bulkActionSchema,
    async handle({ params, environment }) {
      const { action, failures } = await edge.deps.bulkActions.retrieve(environment, params.bulkActionId);
      return view(action, failures);
    },
  });

const abort = (edge: Edge) =>
  route({
    method: "post",
    path: `${PATH}/:bulkActionId/abort`,
    tag: "bulk actions",
    summary: "Go no further; what was done stays done",
    access: WRITE,
    params,
    reply: bulkActionIdReplySchema,
    async handle({ params, environment }) {
      await edge.deps.bulkActions.abort(environment, params.bulkActionId);
      return { id: params.bulkActionId };
    },
  });

function view(action: BulkAction, failures: BulkFailure[]): BulkActionReply {
  const { id, name, type, filter, total, succeeded, failed, isSelected, isCapped } = action;
  const endedAt = action.completedAt ?? action.abortedAt;
  return {
    id,
    ...(name === undefined ? {} : { name }),
    type,
    status: action.completedAt !== undefined ? "COMPLETED" : action.abortedAt !== undefined ? "ABORTED" : "PENDING",
    counts: { total, success: succeeded, failure: failed },
    isSelected,
    isCapped,
    ...(filter === undefined ? {} : { filter }),
    failures,
    createdAt: action.createdAt.toISOString(),
    ...(endedAt === undefined ? {} : { completedAt: endedAt.toISOString() }),
  };
}

function noRegions(): AppError {
  return new AppError("UNSUPPORTED_OPTION", "Gantry runs in one cluster; leave the region out.", {
    details: { option: "region" },
  });
}
