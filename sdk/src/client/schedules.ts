import type { ScheduleReply } from "../contract/api/schedules.ts";
import type { CatchUp, Overlap } from "../contract/schedule-policy.ts";
import { ApiClient } from "./api-client.ts";
import type { HttpRequest } from "./http.ts";
import { type PagePromise, pagePromise } from "./page.ts";
import type { RequestOptions } from "./request-options.ts";

type DateField = "nextRun" | "nextRunEffectiveAt" | "lastRun";

/** A schedule, with Dates. `nextRun` is null while it is paused. */
export type ScheduleItem = Omit<ScheduleReply, DateField | "upcoming" | "createdAt" | "updatedAt"> & {
  [K in DateField]: Date | null;
} & { upcoming: Date[]; createdAt: Date; updatedAt: Date };

/** How runs of a schedule meet, and what follows a pause or downtime. */
export interface SchedulePolicies {
  /** Where a run of the schedule still goes on: start beside it (default), skip, queue one, or cancel it first. */
  overlap?: Overlap | undefined;
  /** What is made up for: the last missed due time (default, within a day), none, or all. `within` up to `"7d"`. */
  catchUp?: CatchUp | { policy: CatchUp; within?: string | undefined } | undefined;
  /** Spreads starts over a window behind each due time: `"30s"`, `"15m"`, or `"30%"` of the interval. */
  jitter?: string | undefined;
}

export interface UpdateScheduleOptions extends SchedulePolicies {
  /** The id of a task that `schedules.task()` defines. */
  task: string;
  /** Five fields (minute hour day month weekday), six with seconds first, or `@daily` and the like. */
  cron: string;
  /** IANA name; default UTC. The pattern follows its daylight saving. */
  timezone?: string | undefined;
  /** Your own id, handed to the runs: a user's, say. */
  externalId?: string | undefined;
  /** Trigger.dev's name for `jitter`. */
  window?: string | undefined;
}

export interface CreateScheduleOptions extends UpdateScheduleOptions {
  /** A second create with the same key updates the first schedule. */
  deduplicationKey: string;
}

export interface PreviewScheduleOptions {
  cron: string;
  timezone?: string | undefined;
  /** Default now. */
  from?: Date | undefined;
  /** Up to 100; default 5. */
  count?: number | undefined;
}

/** Makes a schedule, or updates the one with the same deduplication key. */
function create(options: CreateScheduleOptions, requestOptions?: RequestOptions): Promise<ScheduleItem> {
  return ask({ method: "POST", path: PATH, json: options, repeatable: "always" }, requestOptions);
}

function retrieve(scheduleId: string, requestOptions?: RequestOptions): Promise<ScheduleItem> {
  return ask({ method: "GET", path: pathOf(scheduleId), repeatable: "always" }, requestOptions);
}

/** Replaces all settings; what is left out goes back to its default. */
function update(
  scheduleId: string,
  options: UpdateScheduleOptions,
  requestOptions?: RequestOptions,
): Promise<ScheduleItem> {
  return ask({ method: "PUT", path: pathOf(scheduleId), json: options, repeatable: "always" }, requestOptions);
}

/** Deletes a schedule; its runs stay. */
async function del(scheduleId: string, requestOptions?: RequestOptions): Promise<{ id: string }> {
  const request: HttpRequest = { method: "DELETE", path: pathOf(scheduleId), repeatable: "undelivered" };
  return (await ApiClient.forCall(requestOptions).request<{ id: string }>(request)).data;
}

/** Resumes a schedule; its catch-up policy decides what follows. */
function activate(scheduleId: string, requestOptions?: RequestOptions): Promise<ScheduleItem> {
  return ask({ method: "POST", path: pathOf(scheduleId, "/activate"), repeatable: "always" }, requestOptions);
}

/** Pauses a schedule: nothing is due until it is activated. */
function deactivate(scheduleId: string, requestOptions?: RequestOptions): Promise<ScheduleItem> {
  return ask({ method: "POST", path: pathOf(scheduleId, "/deactivate"), repeatable: "always" }, requestOptions);
}

/** The environment's schedules, declared and created, by page from 1. */
function list(
  options: { page?: number | undefined; perPage?: number | undefined } = {},
  requestOptions?: RequestOptions,
): PagePromise<ScheduleItem> {
  const request: HttpRequest = { method: "GET", path: PATH, query: { ...options }, repeatable: "always" };
  const fetched = ApiClient.forCall(requestOptions).request<ListReply>(request);
  return pagePromise(
    fetched.then(({ data: { data, pagination } }) => {
      const to = (page: number) => () => list({ ...options, page }, requestOptions);
      const { currentPage, totalPages } = pagination;
      return {
        data: data.map(fromReply),
        next: currentPage < totalPages ? to(currentPage + 1) : undefined,
        previous: currentPage > 1 ? to(currentPage - 1) : undefined,
      };
    }),
  );
}

/** A run now, whatever the pattern says. */
async function run(scheduleId: string, requestOptions?: RequestOptions): Promise<{ id: string }> {
  const request: HttpRequest = { method: "POST", path: pathOf(scheduleId, "/run"), repeatable: "undelivered" };
  return (await ApiClient.forCall(requestOptions).request<{ id: string }>(request)).data;
}

/** When a pattern would be due. */
async function preview(
  options: PreviewScheduleOptions,
  requestOptions?: RequestOptions,
): Promise<{ timezone: string; upcoming: Date[] }> {
  const request: HttpRequest = { method: "POST", path: `${PATH}/preview`, json: options, repeatable: "always" };
  const { data } = await ApiClient.forCall(requestOptions).request<{ timezone: string; upcoming: string[] }>(request);
  return { timezone: data.timezone, upcoming: data.upcoming.map((at) => new Date(at)) };
}

/** The time zones there are; UTC first, unless it is left out. */
async function timezones(options: { excludeUtc?: boolean | undefined } = {}): Promise<{ timezones: string[] }> {
  const query = options.excludeUtc === true ? { excludeUtc: true } : {};
  const request: HttpRequest = { method: "GET", path: "/api/v1/timezones", query, repeatable: "always" };
  return (await ApiClient.forCall().request<{ timezones: string[] }>(request)).data;
}

export const scheduleCalls = {
  create,
  retrieve,
  update,
  del,
  activate,
  deactivate,
  list,
  run,
  preview,
  timezones,
};

const PATH = "/api/v1/schedules";
type ListReply = { data: ScheduleReply[]; pagination: { currentPage: number; totalPages: number } };

function pathOf(scheduleId: string, action = ""): string {
  return `${PATH}/${encodeURIComponent(scheduleId)}${action}`;
}

async function ask(request: HttpRequest, requestOptions: RequestOptions | undefined): Promise<ScheduleItem> {
  return fromReply((await ApiClient.forCall(requestOptions).request<ScheduleReply>(request)).data);
}

function fromReply(reply: ScheduleReply): ScheduleItem {
  const date = (at: string | null) => (at === null ? null : new Date(at));
  return {
    ...reply,
    nextRun: date(reply.nextRun),
    nextRunEffectiveAt: date(reply.nextRunEffectiveAt),
    lastRun: date(reply.lastRun),
    upcoming: reply.upcoming.map((at) => new Date(at)),
    createdAt: new Date(reply.createdAt),
    updatedAt: new Date(reply.updatedAt),
  };
}
