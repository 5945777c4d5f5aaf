import type { RunStatus } from "@gantry/sdk/contract";
import type pg from "pg";
import { decodeId, firstUuidAt, uuidRange } from "../../ids.ts";
import type { RunFilter } from "../../runs/run.ts";

/** A filter as the tables have it: ids for names, and bounds of ids for instants. */
export interface RunChoice {
  statuses?: RunStatus[];
  taskIds?: string[];
  deploymentIds?: string[];
  queueIds?: number[];
  machines?: string[];
  tags?: string[];
  /** As sent, or as the user wrote it. */
  key?: { column: "sent" | "said"; value: string };
  error?: string;
  parentRunId?: string;
  rootRunId?: string;
  isTest?: boolean;
  /** Only runs among these. */
  among?: { kind: "batch" | "schedule" | "bulkAction"; id: string };
  /** Bounds of the id, inclusive. */
  firstId?: string;
  lastId?: string;
  from?: Date;
  to?: Date;
}

/** Ids are made by the platform's clock, `created_at` is the database's: so far they may lie apart. */
const CLOCKS_APART_MS = 24 * 3600_000;
const MAX_TASKS = 50;

/** The ways in which a run may match, each with an index to go by; none where nothing can match. */
export async function runChoices(pool: pg.Pool, environmentId: number, filter: RunFilter): Promise<RunChoice[]> {
  const choice = plainChoice(filter);
  if (filter.queue?.length) choice.queueIds = await idsOf<number>(pool, "queue", "name", environmentId, filter.queue);
  if (filter.version?.length)
    choice.deploymentIds = await idsOf<string>(pool, "deployment", "version", environmentId, filter.version);
  if (choice.queueIds?.length === 0 || choice.deploymentIds?.length === 0) return [];
  return filter.search === undefined ? [choice] : searched(pool, environmentId, choice, filter.search.trim());
}

function plainChoice(filter: RunFilter): RunChoice {
  const { status, taskId, machine, tags, error, parentRunId, rootRunId, isTest, from, to } = filter;
  const { batchId, scheduleId, bulkActionId } = filter;
  const choice: RunChoice = {};
  if (status?.length) choice.statuses = status;
  if (taskId?.length) choice.taskIds = taskId;
  if (machine?.length) choice.machines = machine;
  if (tags?.length) choice.tags = tags;
  if (error !== undefined) choice.error = error;
  if (parentRunId !== undefined) choice.parentRunId = parentRunId;
  if (rootRunId !== undefined) choice.rootRunId = rootRunId;
  if (isTest !== undefined) choice.isTest = isTest;
  if (from !== undefined) Object.assign(choice, { from, firstId: firstUuidAt(from.getTime() - CLOCKS_APART_MS) });
  if (to !== undefined) Object.assign(choice, { to, lastId: firstUuidAt(to.getTime() + CLOCKS_APART_MS) });
  if (batchId !== undefined) choice.among = { kind: "batch", id: batchId };
  if (scheduleId !== undefined) choice.among = { kind: "schedule", id: scheduleId };
  if (bulkActionId !== undefined) choice.among = { kind: "bulkAction", id: bulkActionId };
  return choice;
}

/** What somebody typed: an id or its beginning, else a tag, a key or a task. */
async function searched(pool: pg.Pool, environmentId: number, choice: RunChoice, text: string): Promise<RunChoice[]> {
  if (text === "") return [choice];
  const range = uuidRange("run", text);
  if (range !== undefined) return [{ ...choice, firstId: range.first, lastId: range.last }];
  const batchId = decodeId("batch", text);
  if (batchId !== undefined) return [{ ...choice, among: { kind: "batch", id: batchId } }];
  const tasks = await tasksLike(pool, environmentId, text, choice.taskIds);
  return [
    { ...choice, tags: [text] },
    { ...choice, key: { column: "sent", value: text } },
    { ...choice, key: { column: "said", value: text } },
    ...(tasks.length === 0 ? [] : [{ ...choice, taskIds: tasks }]),
  ];
}

async function idsOf<T>(
  pool: pg.Pool,
  table: "queue" | "deployment",
  column: "name" | "version",
  environmentId: number,
  names: string[],
): Promise<T[]> {
  const { rows } = await pool.query<{ id: T }>({
    name: `ids-of-${table}`,
    text: `select id from ${table} where environment_id = $1 and ${column} = any ($2::text[])`,
    values: [environmentId, names],
  });
  return rows.map(({ id }) => id);
}

/** Tasks of the current version, and of earlier ones by their own queues, whose id begins so. */
async function tasksLike(
  pool: pg.Pool,
  environmentId: number,
  start: string,
  within: string[] | undefined,
): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>({
    name: "tasks-like",
    text: `select t.task_id as id from environment e join task_definition t on t.deployment_id = e.current_deployment_id
           where e.id = $1 and starts_with(t.task_id, $2)
           union
           select substr(q.name, 6) from queue q
           where q.environment_id = $1 and q.kind = 'task' and starts_with(q.name, 'task/' || $2)
           order by 1 limit ${MAX_TASKS}`,
    values: [environmentId, start],
  });
  return rows.map(({ id }) => id).filter((id) => within === undefined || within.includes(id));
}
