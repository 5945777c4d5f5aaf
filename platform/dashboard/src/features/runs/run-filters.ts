import type { ListRunsParams } from "@gantry/sdk";
import { type BulkActionFilter, parseDurationMs, RUN_STATUSES, type RunStatus } from "@gantry/sdk/contract";
import type { SearchParams } from "../../layout/search-params.ts";

/** What the list shows, as it stands in the address. Lists are joined by commas there. */
export interface RunFilters {
  search: string | undefined;
  status: RunStatus[];
  task: string[];
  tag: string[];
  version: string[];
  queue: string[];
  batch: string | undefined;
  schedule: string | undefined;
  /** The run whose children are shown. */
  parent: string | undefined;
  /** Fingerprint of an error group. */
  error: string | undefined;
  bulk: string | undefined;
  /** `1h`, `7d`; or `from` and `to` as ISO dates. */
  period: string | undefined;
  from: string | undefined;
  to: string | undefined;
}

const LISTS = ["task", "tag", "version", "queue"] as const;
const TEXTS = ["search", "batch", "schedule", "parent", "error", "bulk", "period"] as const;

/** What is mistyped in the address is left out, rather than refused by the API. */
export function filtersOf(search: SearchParams): RunFilters {
  const list = (name: string) =>
    [...new Set((search[name] ?? "").split(",").map((each) => each.trim()))].filter(Boolean);
  const instant = (name: string) => (Number.isNaN(Date.parse(search[name] ?? "")) ? undefined : search[name]);
  return {
    ...(Object.fromEntries(LISTS.map((name) => [name, list(name)])) as Pick<RunFilters, (typeof LISTS)[number]>),
    ...(Object.fromEntries(TEXTS.map((name) => [name, search[name]?.trim() || undefined])) as Pick<
      RunFilters,
      (typeof TEXTS)[number]
    >),
    status: list("status").filter((name): name is RunStatus => (RUN_STATUSES as readonly string[]).includes(name)),
    from: instant("from"),
    to: instant("to"),
  };
}

export function isFiltered(filters: RunFilters): boolean {
  return Object.values(filters).some((value) => (Array.isArray(value) ? value.length > 0 : value !== undefined));
}

/** For `api.listRuns`. */
export function listParams(filters: RunFilters): ListRunsParams {
  return {
    search: filters.search,
    status: filters.status,
    taskIdentifier: filters.task,
    tag: filters.tag,
    version: filters.version,
    queue: filters.queue,
    batch: filters.batch,
    schedule: filters.schedule,
    parentRunId: filters.parent,
    error: filters.error,
    bulkAction: filters.bulk,
    period: filters.period,
    from: filters.from === undefined ? undefined : Date.parse(filters.from),
    to: filters.to === undefined ? undefined : Date.parse(filters.to),
  };
}

/** The same for a bulk action. The API wants one filter at least: with none, all that is kept is meant. */
export function bulkFilter(filters: RunFilters): BulkActionFilter {
  const { search, batch, schedule, parent, error, bulk, period, from, to } = filters;
  const some = <T>(list: T[]) => (list.length === 0 ? undefined : list);
  const filter: BulkActionFilter = {
    search,
    status: some(filters.status),
    taskIdentifier: some(filters.task),
    tag: some(filters.tag),
    version: some(filters.version),
    queue: some(filters.queue),
    batch,
    schedule,
    parentRunId: parent,
    error,
    bulkAction: bulk,
    period,
    from,
    to,
  };
  const said = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
  return Object.keys(said).length === 0 ? { period: "30d" } : said;
}

interface Matched {
  id: string;
  status: RunStatus;
  taskIdentifier: string;
  tags: string[];
  version?: string | undefined;
  queue?: string | undefined;
  batchId?: string | undefined;
  createdAt: Date;
}

/** Whether a run belongs to the list: `unknown` where only the platform can say. */
export function matches(run: Matched, filters: RunFilters, now: number): boolean | "unknown" {
  const among = <T>(list: readonly T[], value: T | undefined) =>
    list.length === 0 || (value !== undefined && list.includes(value));
  const isMember =
    among(filters.status, run.status) &&
    among(filters.task, run.taskIdentifier) &&
    among(filters.version, run.version) &&
    among(filters.queue, run.queue) &&
    (filters.tag.length === 0 || filters.tag.some((tag) => run.tags.includes(tag))) &&
    (filters.batch === undefined || filters.batch === run.batchId) &&
    isWithin(run.createdAt.getTime(), filters, now);
  if (!isMember) return false;
  const { search, schedule, parent, error, bulk } = filters;
  return [search, schedule, parent, error, bulk].some((value) => value !== undefined) ? "unknown" : true;
}

function isWithin(at: number, { from, to, period }: RunFilters, now: number): boolean {
  if (from !== undefined && at < Date.parse(from)) return false;
  if (to !== undefined && at > Date.parse(to)) return false;
  const ms = period === undefined ? undefined : parseDurationMs(period);
  return ms === undefined || at >= now - ms;
}
