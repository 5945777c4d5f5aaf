import {
  createScheduleBodySchema,
  deletedScheduleSchema,
  MAX_CATCH_UP_MS,
  previewScheduleBodySchema,
  previewScheduleReplySchema,
  scheduleListQuerySchema,
  scheduleListReplySchema,
  scheduleRunReplySchema,
  scheduleSchema,
  timezones,
  timezonesQuerySchema,
  timezonesReplySchema,
  updateScheduleBodySchema,
} from "@gantry/sdk/contract";
import { z } from "zod";
import { AppError } from "../../errors.ts";
import { decodeId } from "../../ids.ts";
import { upcomingDues } from "../../schedules/next-due-policy.ts";
import type { WantedSchedule } from "../../schedules/schedule-service.ts";
import type { Edge } from "../edge.ts";
import { type Route, route, SMALL_BODY } from "../route.ts";
import { scheduleView } from "../schedule-view.ts";
import { toDuration } from "../trigger-request.ts";

const PATH = "/api/v1/schedules";
const ONE = `${PATH}/:scheduleId`;
const access = (action: "read" | "write") =>
  ({ by: "policy", action, kind: "schedules", idFrom: "scheduleId" }) as const;
const ALL = { by: "policy", action: "read", kind: "schedules" } as const;
const params = z.object({ scheduleId: z.string().max(200) });

export function scheduleRoutes(edge: Edge): Route[] {
  return [list, create, preview, retrieve, update, remove, activate, deactivate, runNow, listTimezones].map((make) =>
    make(edge),
  );
}

const list = (edge: Edge) =>
  route({
    method: "get",
    path: PATH,
    tag: "schedules",
    summary: "List schedules, oldest first",
    access: ALL,
    query: scheduleListQuerySchema,
    reply: scheduleListReplySchema,
    async handle({ query, environment }) {
      const { schedules, total } = await edge.deps.schedules.list(environment, query);
      return {
        data: schedules.map((schedule) => scheduleView(schedule, environment)),
        pagination: { currentPage: query.page, totalPages: Math.ceil(total / query.perPage), count: total },
      };
    },
  });

const create = (edge: Edge) =>
  route({
    method: "post",
    path: PATH,
    tag: "schedules",
    summary: "Create a schedule, or update the one with the same deduplication key",
    access: { by: "policy", action: "write", kind: "schedules" },
    body: { schema: createScheduleBodySchema, limit: SMALL_BODY },
    reply: scheduleSchema,
    async handle({ body, environment }) {
      const { deduplicationKey } = body;
      const schedule = await edge.deps.schedules.create(environment, { ...wanted(body), deduplicationKey });
      return scheduleView(schedule, environment);
    },
  });

const preview = (edge: Edge) =>
  route({
    method: "post",
    path: `${PATH}/preview`,
    tag: "schedules",
    summary: "When a pattern would be due",
    access: ALL,
    body: { schema: previewScheduleBodySchema, limit: SMALL_BODY },
    reply: previewScheduleReplySchema,
    handle({ body }) {
      const timezone = body.timezone ?? "UTC";
      const from = body.from === undefined ? edge.deps.clock.now() : Date.parse(body.from);
      const upcoming = upcomingDues({ cron: body.cron, timezone }, from, body.count);
      return { timezone, upcoming: upcoming.map((at) => new Date(at).toISOString()) };
    },
  });

const retrieve = (edge: Edge) =>
  route({
    method: "get",
    path: ONE,
    tag: "schedules",
    summary: "Retrieve a schedule, with its next due times",
    access: access("read"),
    params,
    reply: scheduleSchema,
    async handle({ params, environment }) {
      const id = idOf(params);
      const schedule = await edge.deps.schedules.retrieve(environment, id);
      if (schedule === undefined) throw new AppError("SCHEDULE_NOT_FOUND", `There is no schedule "${id}".`);
      return scheduleView(schedule, environment);
    },
  });

const update = (edge: Edge) =>
  route({
    method: "put",
    path: ONE,
    tag: "schedules",
    summary: "Replace a schedule's settings",
    access: access("write"),
    params,
    body: { schema: updateScheduleBodySchema, limit: SMALL_BODY },
    reply: scheduleSchema,
    handle: async ({ params, body, environment }) =>
      scheduleView(await edge.deps.schedules.update(environment, idOf(params), wanted(body)), environment),
  });

const remove = (edge: Edge) =>
  route({
    method: "delete",
    path: ONE,
    tag: "schedules",
    summary: "Delete a schedule; its runs stay",
    access: access("write"),
    params,
    reply: deletedScheduleSchema,
    async handle({ params, environment }) {
      const id = idOf(params);
      await edge.deps.schedules.remove(environment, id);
      return { id };
    },
  });

const activate = (edge: Edge) =>
  pausing(edge, "activate", "Resume a schedule; its catch-up policy decides what follows");
const deactivate = (edge: Edge) =>
  pausing(edge, "deactivate", "Pause a schedule: nothing is due until it is activated");

function pausing(edge: Edge, action: "activate" | "deactivate", summary: string): Route {
  return route({
    method: "post",
    path: `${ONE}/${action}`,
    tag: "schedules",
    summary,
    access: access("write"),
    params,
    reply: scheduleSchema,
    handle: async ({ params, environment }) =>
      scheduleView(
        await edge.deps.schedules.setPaused(environment, idOf(params), action === "deactivate"),
        environment,
      ),
  });
}

const runNow = (edge: Edge) =>
  route({
    method: "post",
    path: `${ONE}/run`,
    tag: "schedules",
    summary: "Start a run of a schedule now, whatever its pattern says",
    access: access("write"),
    params,
    reply: scheduleRunReplySchema,
    handle: async ({ params, environment }) => ({
      id: await edge.deps.schedules.runNow(environment, idOf(params)),
    }),
  });

const listTimezones = (_edge: Edge) =>
  route({
    method: "get",
    path: "/api/v1/timezones",
    tag: "schedules",
    summary: "The time zones there are",
    access: { by: "none" },
    query: timezonesQuerySchema,
    reply: timezonesReplySchema,
    handle: ({ query }) => ({ timezones: timezones().slice(query.excludeUtc === "true" ? 1 : 0) }),
  });

/** Errors: MALFORMED_ID. */
function idOf({ scheduleId }: z.output<typeof params>): string {
  if (decodeId("sched", scheduleId) !== undefined) return scheduleId;
  throw new AppError("MALFORMED_ID", `"${scheduleId.slice(0, 80)}" is not the id of a schedule.`);
}

/** Errors: VALIDATION_FAILED for a window of catching up that is none. */
function wanted(body: z.output<typeof updateScheduleBodySchema>): WantedSchedule {
  const { task, cron, timezone, externalId, overlap, catchUp, jitter, window } = body;
  return {
    taskId: task,
    cron,
    timezone,
    externalId: externalId ?? undefined,
    overlap,
    catchUp: typeof catchUp === "string" ? { policy: catchUp } : toCatchUp(catchUp),
    jitter: jitter ?? window,
  };
}

function toCatchUp(
  catchUp: Exclude<z.output<typeof updateScheduleBodySchema>["catchUp"], string>,
): WantedSchedule["catchUp"] {
  if (catchUp?.within === undefined) return catchUp;
  const windowMs = toDuration("catchUp.within", catchUp.within);
  if (windowMs <= MAX_CATCH_UP_MS) return { policy: catchUp.policy, windowMs };
  throw new AppError("VALIDATION_FAILED", `catchUp.within: "${catchUp.within}" is longer than a week.`, {
    details: { issues: [{ path: "catchUp.within", message: "is longer than a week" }] },
  });
}
