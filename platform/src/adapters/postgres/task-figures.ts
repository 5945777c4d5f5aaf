import type { RunStatus, TaskDeclaration } from "@gantry/sdk/contract";
import type pg from "pg";
import { encodeId } from "../../ids.ts";
import type { DeclaredTask, LastRun } from "../../insights/insight-store.ts";
import type { StatWindow } from "../../insights/stat-window-policy.ts";
import type { StatRow } from "../../insights/stats-policy.ts";

interface TaskRow {
  declaration: TaskDeclaration;
  queue: string;
  version: string;
  created_at: Date;
}
const TASKS = `
  select t.declaration, q.name as queue, d.version, d.created_at
  from environment e join deployment d on d.id = e.current_deployment_id
  join task_definition t on t.deployment_id = d.id join queue q on q.id = t.queue_id
  where e.id = $1`;

export async function declaredTasks(
  pool: pg.Pool,
  environmentId: number,
  { after, search = "", size }: { after: string; search: string | undefined; size: number },
): Promise<DeclaredTask[]> {
  const { rows } = await pool.query<TaskRow>({
    name: "declared-tasks",
    text: `${TASKS} and t.task_id > $2 and ($3 = '' or position(lower($3) in lower(t.task_id)) > 0)
           order by t.task_id limit $4`,
    values: [environmentId, after, search, size],
  });
  return rows.map(toTask);
}

export async function declaredTask(
  pool: pg.Pool,
  environmentId: number,
  taskId: string,
): Promise<DeclaredTask | undefined> {
  const { rows } = await pool.query<TaskRow>({
    name: "declared-task",
    text: `${TASKS} and t.task_id = $2`,
    values: [environmentId, taskId],
  });
  return rows[0] && toTask(rows[0]);
}

function toTask({ declaration, queue, version, created_at }: TaskRow): DeclaredTask {
  return { declaration, queue, version, versionCreatedAt: created_at };
}

export async function lastRuns(pool: pg.Pool, environmentId: number, taskIds: string[]): Promise<Map<string, LastRun>> {
  const newest = (table: string, finishedAt: string) =>
    `(select r.id, r.status, r.created_at, ${finishedAt} as finished_at from ${table} r
      where r.environment_id = $1 and r.task_id = t.id order by r.id desc limit 1)`;
  const { rows } = await pool.query<{
    task_id: string;
    id: string;
    status: RunStatus;
    created_at: Date;
    finished_at: Date | null;
  }>({
    name: "last-runs",
    text: `select t.id as task_id, x.* from unnest($2::text[]) t (id) cross join lateral (
             ${newest("run", "null::timestamptz")} union all ${newest("run_history", "r.finished_at")}
             order by id desc limit 1) x`,
    values: [environmentId, taskIds],
  });
  return new Map(
    rows.map((row) => [
      row.task_id,
      {
        id: encodeId("run", row.id),
        status: row.status,
        createdAt: row.created_at,
        finishedAt: row.finished_at ?? undefined,
      },
    ]),
  );
}

/** Which point of a window a stretch belongs to: $4 is where the window begins, $5 how long a point is; milliseconds. */
export const POINT = "floor((extract(epoch from bucket_at)::float8 * 1000 - $4) / $5)::int as point";

export async function runStats(
  pool: pg.Pool,
  environmentId: number,
  taskIds: string[],
  { fromMs, bucketMs, resolution }: StatWindow,
): Promise<Map<string, StatRow[]>> {
  const { rows } = await pool.query<StatRow & { task_id: string }>({
    name: "run-stats",
    text: `select task_id, ${POINT}, status, duration_bin as bin, sum(runs)::int as runs
           from run_stat
           where environment_id = $1 and task_id = any ($2::text[]) and resolution = $3
             and bucket_at >= to_timestamp($4::float8 / 1000)
           group by 1, 2, 3, 4`,
    values: [environmentId, taskIds, resolution, fromMs, bucketMs],
  });
  return Map.groupBy(rows, (row) => row.task_id);
}
