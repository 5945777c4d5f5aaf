import type { Limits } from "@gantry/sdk/contract";
import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import type { Clock } from "../clock.ts";
import { decodeId } from "../ids.ts";
import { concurrencyLimitName } from "../projects/limits-policy.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { DeclaredTask, ErrorGroup, InsightStore, LastRun, ListedBatch } from "./insight-store.ts";
import { pageOf } from "./page-policy.ts";
import { type StatWindow, statWindow } from "./stat-window-policy.ts";
import { type Stats, statsOf } from "./stats-policy.ts";

export interface TaskInsight extends DeclaredTask {
  stats: Stats;
  lastRun: LastRun | undefined;
}

export interface ErrorInsight extends ErrorGroup {
  count: number;
  bucketMs: number;
  series: { at: Date; count: number }[];
}

export interface LimitUsage {
  name: keyof Limits;
  value: number;
  default: number;
  used: number | undefined;
  isAtLeast: boolean;
}

interface Page {
  size: number;
  after?: string | undefined;
}

/** What operators ask beside runs. Ids are public. `periodMs` is how far back figures look. */
export interface InsightsService {
  tasks(
    environment: EnvironmentRef,
    page: Page & { search?: string | undefined; periodMs: number },
  ): Promise<{ tasks: TaskInsight[]; next: string | undefined }>;
  task(environment: EnvironmentRef, taskId: string, periodMs: number): Promise<TaskInsight | undefined>;
  /** Of some tasks together, or of all. */
  stats(environment: EnvironmentRef, taskIds: string[] | undefined, periodMs: number): Promise<Stats>;
  errors(
    environment: EnvironmentRef,
    page: Page & { taskIds?: string[] | undefined; search?: string | undefined; periodMs: number },
  ): Promise<{ errors: ErrorInsight[]; next: string | undefined }>;
  error(environment: EnvironmentRef, fingerprint: string, periodMs: number): Promise<ErrorInsight | undefined>;
  batches(
    environment: EnvironmentRef,
    filter: { from?: Date; to?: Date },
    page: { size: number; after?: string; before?: string },
  ): Promise<{ batches: ListedBatch[]; next: string | undefined; previous: string | undefined }>;
  usage(environment: EnvironmentRef): Promise<{ pausedAt: Date | undefined; limits: LimitUsage[] }>;
}

/** Queued runs are counted up to here for a look at the limits. */
const COUNTED_TO = 100_000;

export interface InsightsDeps {
  store: InsightStore;
  clock: Clock;
  limits(environment: EnvironmentRef): Promise<Limits>;
}

export function createInsightsService({ store, clock, limits }: InsightsDeps): InsightsService {
  const withFigures = async (environmentId: number, tasks: DeclaredTask[], window: StatWindow) => {
    const ids = tasks.map(({ declaration }) => declaration.id);
    const [stats, lastRuns] = await Promise.all([
      store.stats(environmentId, ids, window),
      store.lastRuns(environmentId, ids),
    ]);
    return tasks.map((task): TaskInsight => {
      const { id } = task.declaration;
      return { ...task, stats: statsOf(stats.get(id) ?? [], window), lastRun: lastRuns.get(id) };
    });
  };
  const withSeries = async (environmentId: number, groups: ErrorGroup[], window: StatWindow) => {
    const fingerprints = groups.map(({ fingerprint }) => fingerprint);
    const stats = await store.errorStats(environmentId, fingerprints, window);
    return groups.map((group) => errorInsight(group, stats.get(group.fingerprint) ?? [], window));
  };
  return {
    async tasks(environment, { size, after = "", search, periodMs }) {
      const found = await store.tasks(environment.id, { after, search, size: size + 1 });
      const shown = found.slice(0, size);
      return {
        tasks: await withFigures(environment.id, shown, statWindow(periodMs, clock.now())),
        next: found.length > size ? shown.at(-1)?.declaration.id : undefined,
      };
    },
    async task(environment, taskId, periodMs) {
      const task = await store.task(environment.id, taskId);
      if (task === undefined) return undefined;
      return (await withFigures(environment.id, [task], statWindow(periodMs, clock.now())))[0];
    },
    async stats(environment, taskIds, periodMs) {
      const window = statWindow(periodMs, clock.now());
      const rows = await store.stats(environment.id, taskIds ?? [""], window);
      return statsOf([...rows.values()].flat(), window);
    },
    async errors(environment, { size, after, taskIds, search, periodMs }) {
      const window = statWindow(periodMs, clock.now());
      const filter = { taskIds, search, from: new Date(window.fromMs) };
      const { groups, next } = await store.errors(environment.id, filter, { size, after });
      return { errors: await withSeries(environment.id, groups, window), next };
    },
    async error(environment, fingerprint, periodMs) {
      const group = await store.error(environment.id, fingerprint);
      if (group === undefined) return undefined;
      return (await withSeries(environment.id, [group], statWindow(periodMs, clock.now())))[0];
    },
    async batches(environment, filter, page) {
      const uuids = {
        size: page.size + 1,
        ...(page.after === undefined ? {} : { after: decodeId("batch", page.after) as string }),
        ...(page.before === undefined ? {} : { before: decodeId("batch", page.before) as string }),
      };
      const { shown, next, previous } = pageOf(await store.batches(environment.id, filter, uuids), page);
      return { batches: shown, next, previous };
    },
    async usage(environment) {
      const [values, used] = await Promise.all([limits(environment), store.usage(environment.id, COUNTED_TO)]);
      const counted: Partial<Record<keyof Limits, number>> = {
        [concurrencyLimitName(environment.type)]: used.executing,
        queuedRuns: used.queued,
        maxHeld: used.held,
        schedules: used.schedules,
        environmentCheckpointBytes: used.checkpointBytes,
      };
      const names = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[];
      return {
        pausedAt: used.pausedAt,
        limits: names.map((name) => ({
          name,
          value: values[name],
          default: DEFAULT_LIMITS[name],
          used: counted[name],
          isAtLeast: name === "queuedRuns" && used.queued >= COUNTED_TO,
        })),
      };
    },
  };
}

function errorInsight(group: ErrorGroup, counts: number[], { fromMs, bucketMs, points }: StatWindow): ErrorInsight {
  const series = Array.from({ length: points }, (_, point) => ({
    at: new Date(fromMs + point * bucketMs),
    count: counts[point] ?? 0,
  }));
  return { ...group, count: series.reduce((sum, { count }) => sum + count, 0), bucketMs, series };
}
