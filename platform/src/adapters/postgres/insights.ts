import type pg from "pg";
import type { InsightStore, Usage } from "../../insights/insight-store.ts";
import { SHORT_KEPT_DAYS } from "../../insights/stat-window-policy.ts";
import { listBatches } from "./batch-list.ts";
import { errorStats, listErrorGroups, retrieveErrorGroup } from "./error-groups.ts";
import { createEndedCounter } from "./insight-counts.ts";
import { declaredTask, declaredTasks, lastRuns, runStats } from "./task-figures.ts";
import { inSlices } from "./upkeep.ts";

/** `settleMs`: how long after its beginning a transaction is seen; see insight-counts.ts. */
export function createInsightStore(pool: pg.Pool, settleMs?: number): InsightStore {
  return {
    tasks: (environmentId, page) => declaredTasks(pool, environmentId, page),
    task: (environmentId, taskId) => declaredTask(pool, environmentId, taskId),
    lastRuns: (environmentId, taskIds) => lastRuns(pool, environmentId, taskIds),
    stats: (environmentId, taskIds, window) => runStats(pool, environmentId, taskIds, window),
    errors: (environmentId, filter, page) => listErrorGroups(pool, environmentId, filter, page),
    error: (environmentId, fingerprint) => retrieveErrorGroup(pool, environmentId, fingerprint),
    errorStats: (environmentId, fingerprints, window) => errorStats(pool, environmentId, fingerprints, window),
    batches: (environmentId, filter, page) => listBatches(pool, environmentId, filter, page),
    usage: (environmentId, countedTo) => usage(pool, environmentId, countedTo),
    countEnded: createEndedCounter(pool, settleMs),
    deleteOld: (runDays) => deleteOld(pool, runDays),
  };
}

async function usage(pool: pg.Pool, environmentId: number, countedTo: number): Promise<Usage> {
  const { rows } = await pool.query<{
    paused_at: Date | null;
    executing: number;
    live: number;
    waiting: number;
    held: number;
    schedules: number;
    checkpoint_bytes: string;
  }>({
    name: "environment-usage",
    text: `select e.paused_at,
             (select count(*)::int from slot where environment_id = $1) as executing,
             (select count(*)::int from (select 1 from run where environment_id = $1 limit $2) r) as live,
             (select count(*)::int from (
                select 1 from run_journal where environment_id = $1 and waits_after is not null limit $2) w) as waiting,
             (select count(*)::int from execution where environment_id = $1 and state = 'PARKED') as held,
             (select count(*)::int from schedule where environment_id = $1 and removed_at is null) as schedules,
             (select coalesce(sum(stored_bytes), 0) from checkpoint
              where environment_id = $1 and state = 'stored') as checkpoint_bytes
           from environment e where e.id = $1`,
    values: [environmentId, countedTo],
  });
  const row = rows[0];
  // As the limit counts them: live runs that neither execute nor wait for what they began themselves.
  const queued = row === undefined ? 0 : Math.max(0, row.live - row.executing - row.waiting);
  return {
    pausedAt: row?.paused_at ?? undefined,
    executing: row?.executing ?? 0,
    queued: row?.live === countedTo ? countedTo : queued,
    held: row?.held ?? 0,
    schedules: row?.schedules ?? 0,
    checkpointBytes: Number(row?.checkpoint_bytes ?? 0),
  };
}

/** Short stretches go first; a group goes with the last of its runs. */
async function deleteOld(pool: pg.Pool, runDays: number): Promise<void> {
  const old = (column: string, days: number) => `${column} < now() - interval '${days + 1} days'`;
  await inSlices(pool, "run_stat", `${old("x.bucket_at", SHORT_KEPT_DAYS)} and x.resolution = 15`);
  await inSlices(pool, "run_stat", old("x.bucket_at", runDays));
  await inSlices(pool, "error_stat", `${old("x.bucket_at", SHORT_KEPT_DAYS)} and x.resolution = 15`);
  await inSlices(pool, "error_stat", old("x.bucket_at", runDays));
  await inSlices(pool, "error_group", old("x.last_seen_at", runDays));
}
