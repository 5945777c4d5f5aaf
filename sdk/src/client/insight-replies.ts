/** What the calls of insights.ts return: the contract's replies, with Dates. */
import type {
  BulkAction,
  ClusterCheckpoints,
  ClusterReply,
  ClusterWorker,
  Environment,
  EnvironmentUsage,
  ErrorGroup,
  LimitUsage,
  ListedBatch,
  RunCounts,
  StatPoint,
  Stats,
  Task,
  TaskDetail,
} from "../contract/api/index.ts";
import { type Revived, reviveDates } from "./dates.ts";

export type StatPointItem = Revived<StatPoint>;
export type StatsItem = Omit<Revived<Stats>, "series"> & { series: StatPointItem[] };
type LastRun = NonNullable<Task["lastRun"]>;
interface TaskFigures {
  stats: StatsItem;
  lastRun: Revived<LastRun> | null;
}
/** A task of the current version, with figures of the runs that ended lately. */
export type TaskItem = Omit<Task, keyof TaskFigures> & TaskFigures;
export type TaskDetailItem = Omit<Revived<TaskDetail>, keyof TaskFigures> & TaskFigures;
/** Failed runs of a task with the same error. */
export type ErrorGroupItem = Omit<Revived<ErrorGroup>, "series"> & { series: Revived<ErrorGroup["series"]> };
export type BulkActionItem = Revived<BulkAction>;
export type BatchListItem = Revived<ListedBatch>;
export type ClusterWorkerItem = Omit<Revived<ClusterWorker>, "pods" | "warnings"> & {
  pods: Revived<ClusterWorker["pods"]>;
  warnings: Revived<ClusterWorker["warnings"]>;
};
/** Whether, and on which nodes, processes of waiting runs can be stored. */
export type ClusterCheckpointsItem = Omit<ClusterCheckpoints, "nodes"> & {
  nodes: Revived<ClusterCheckpoints["nodes"]>;
};
export type ClusterItem = Omit<Revived<ClusterReply>, "workers" | "checkpoints"> & {
  workers: ClusterWorkerItem[];
  checkpoints?: ClusterCheckpointsItem | undefined;
};
export type EnvironmentItem = Environment;
export type EnvironmentUsageItem = Revived<EnvironmentUsage>;
export type { LimitUsage, RunCounts };

export function statsFromReply(stats: Stats): StatsItem {
  return { ...reviveDates(stats), series: reviveDates(stats.series) };
}

export function taskFromReply(task: Task): TaskItem {
  return { ...task, ...figuresOf(task) };
}

export function taskDetailFromReply(task: TaskDetail): TaskDetailItem {
  return { ...reviveDates(task), ...figuresOf(task) };
}

function figuresOf({ stats, lastRun }: Task): TaskFigures {
  return { stats: statsFromReply(stats), lastRun: lastRun === null ? null : reviveDates(lastRun) };
}

export function errorFromGroup(group: ErrorGroup): ErrorGroupItem {
  return { ...reviveDates(group), series: reviveDates(group.series) };
}

export function clusterFromReply(reply: ClusterReply): ClusterItem {
  const workers = reply.workers.map((worker) => ({
    ...reviveDates(worker),
    pods: reviveDates(worker.pods),
    warnings: reviveDates(worker.warnings),
  }));
  const { checkpoints, ...rest } = reply;
  return {
    ...reviveDates(rest),
    workers,
    ...(checkpoints && { checkpoints: { ...checkpoints, nodes: reviveDates(checkpoints.nodes) } }),
  };
}
