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

/** The calls for schedules of one client; `schedules` of the SDK and the CLI stand on them. */
export function scheduleApi(api: ApiClient) {
  const ask = async (method: HttpRequest["method"], path: string, json?: unknown): Promise<ScheduleItem> => {
    const { data } = await api.request<ScheduleReply>({ method, path, json, repeatable: "always" });
    return fromReply(data);
  };
  const list = (page: PageOptions = {}): PagePromise<ScheduleItem> => {
    const query = { page: page.page, perPage: page.perPage };
    const fetched = api.request<ListReply>({ method: "GET", path: PATH, query, repeatable: "always" });
    return pagePromise(
      fetched.then(({ data: { data, pagination } }) => {
        const to = (number: number) => () => list({ ...page, page: number });
        const { currentPage, totalPages } = pagination;
        return {
          data: data.map(fromReply),
          next: currentPage < totalPages ? to(currentPage + 1) : undefined,
          previous: currentPage > 1 ? to(currentPage - 1) : undefined,
        };
      }),
    );
  };
  return {
    list,
    create: (options: CreateScheduleOptions) => ask("POST", PATH, options),
    retrieve: (id: string) => ask("GET", pathOf(id)),
    update: (id: string, options: UpdateScheduleOptions) => ask("PUT", pathOf(id), options),
    activate: (id: string) => ask("POST", pathOf(id, "/activate")),
    deactivate: (id: string) => ask("POST", pathOf(id, "/deactivate")),
    async del(id: string): Promise<{ id: string }> {
      const request = { method: "DELETE", path: pathOf(id), repeatable: "undelivered" } as const;
      return (await api.request<{ id: string }>(request)).data;
    },
    async run(id: string): Promise<{ id: string }> {
      const request = { method: "POST", path: pathOf(id, "/run"), repeatable: "undelivered" } as const;
      return (await api.request<{ id: string }>(request)).data;
    },
    async preview(options: PreviewScheduleOptions): Promise<{ timezone: string; upcoming: Date[] }> {
      const request = { method: "POST", path: `${PATH}/preview`, json: options, repeatable: "always" } as const;
      const { data } = await api.request<{ timezone: string; upcoming: string[] }>(request);
      return { timezone: data.timezone, upcoming: data.upcoming.map((at) => new Date(at)) };
    },
    async timezones({ excludeUtc }: TimezoneOptions = {}): Promise<{ timezones: string[] }> {
      const query = excludeUtc === true ? { excludeUtc } : {};
      const request = { method: "GET", path: "/api/v1/timezones", query, repeatable: "always" } as const;
      return (await api.request<{ timezones: string[] }>(request)).data;
    },
  };
}

export interface PageOptions {
  page?: number | undefined;
  perPage?: number | undefined;
}
export interface TimezoneOptions {
  excludeUtc?: boolean | undefined;
}

const of = (requestOptions: RequestOptions | undefined) => scheduleApi(ApiClient.forCall(requestOptions));

export const scheduleCalls = {
  /** Makes a schedule, or updates the one with the same deduplication key. */
  create: (options: CreateScheduleOptions, requestOptions?: RequestOptions) => of(requestOptions).create(options),
  retrieve: (scheduleId: string, requestOptions?: RequestOptions) => of(requestOptions).retrieve(scheduleId),
  /** Replaces all settings; what is left out goes back to its default. */
  update: (scheduleId: string, options: UpdateScheduleOptions, requestOptions?: RequestOptions) =>
    of(requestOptions).update(scheduleId, options),
  /** Deletes a schedule; its runs stay. */
  del: (scheduleId: string, requestOptions?: RequestOptions) => of(requestOptions).del(scheduleId),
  /** Resumes a schedule; its catch-up policy decides what follows. */
  activate: (scheduleId: string, requestOptions?: RequestOptions) => of(requestOptions).activate(scheduleId),
  /** Pauses a schedule: nothing is due until it is activated. */
  deactivate: (scheduleId: string, requestOptions?: RequestOptions) => of(requestOptions).deactivate(scheduleId),
  /** The environment's schedules, declared and created, by page from 1. */
  list: (options?: PageOptions, requestOptions?: RequestOptions) => of(requestOptions).list(options),
  /** A run now, whatever the pattern says. */
  run: (scheduleId: string, requestOptions?: RequestOptions) => of(requestOptions).run(scheduleId),
  /** When a pattern would be due. */
  preview: (options: PreviewScheduleOptions, requestOptions?: RequestOptions) => of(requestOptions).preview(options),
  /** The time zones there are; UTC first, unless it is left out. */
  timezones: (options?: TimezoneOptions, requestOptions?: RequestOptions) => of(requestOptions).timezones(options),
};

const PATH = "/api/v1/schedules";
type ListReply = { data: ScheduleReply[]; pagination: { currentPage: number; totalPages: number } };

function pathOf(scheduleId: string, action = ""): string {
  return `${PATH}/${encodeURIComponent(scheduleId)}${action}`;
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
