import { FINAL_RUN_STATUSES, isFinalRunStatus, RUN_STATUSES, type RunStatus } from "@gantry/sdk/contract";
import type pg from "pg";
import type { PageRequest, RunCount, RunFilter } from "../../runs/run.ts";
import { type RunChoice, runChoices } from "./run-choices.ts";

/**
 * Which runs a filter means, newest first. Each way to match is a walk along an index whose order is the list's, which ends
 * when the page is full: nothing is sorted but what several walks have found. A filter with several values of one kind is a
 * walk for each.
 */
type Bind = (value: unknown) => string;
type Table = "run" | "run_history";

interface Walk {
  page: Pick<PageRequest, "after" | "before">;
  limit: string;
  /** Of the runs, as `r`. */
  columns: string;
}

/** Where a status is counted to. */
export const COUNTED_RUNS = 10_000;

export async function selectRuns(
  pool: pg.Pool,
  environmentId: number,
  filter: RunFilter,
  page: PageRequest,
): Promise<string[]> {
  const values: unknown[] = [environmentId];
  const text = foundRuns(await runChoices(pool, environmentId, filter), page, binder(values), page.size);
  if (text === undefined) return [];
  const { rows } = await pool.query<{ id: string }>({ text, values });
  return rows.map(({ id }) => id);
}

/** The values of a statement are numbered as they come. */
export const binder =
  (values: unknown[]): Bind =>
  (value) =>
    `$${values.push(value)}`;

/** A query for (id, finished_at); $1 is the environment. Undefined where nothing can match. */
export function foundRuns(choices: RunChoice[], page: PageRequest, bind: Bind, size: number): string | undefined {
  const order = page.before === undefined ? "desc" : "asc";
  const limit = bind(size);
  const walks = choices.flatMap((choice) => [
    ...walksOf("run", choice, { page, limit, columns: "r.id, null::timestamptz as finished_at" }, bind),
    ...walksOf("run_history", choice, { page, limit, columns: "r.id, r.finished_at" }, bind),
  ]);
  if (walks.length === 0) return undefined;
  return `select id, finished_at from (${walks.map((walk) => `(${walk})`).join(" union ")}) u order by id ${order} limit ${limit}`;
}

export async function countRuns(pool: pg.Pool, environmentId: number, filter: RunFilter): Promise<RunCount[]> {
  const values: unknown[] = [environmentId];
  const bind = binder(values);
  const limit = bind(COUNTED_RUNS + 1);
  const choices = await runChoices(pool, environmentId, filter);
  const walk = { page: {}, limit, columns: "r.id, r.status" };
  const walks = choices.flatMap((choice) =>
    countedApart(choice).flatMap((part) => [
      ...walksOf("run", part, walk, bind),
      ...walksOf("run_history", part, walk, bind),
    ]),
  );
  if (walks.length === 0) return [];
  // A walk that was full may have left out runs of each status that it could meet.
  const text = `
    with u as (${walks.map((sql, n) => `(select ${n} as walk, w.* from (${sql}) w)`).join(" union all ")}),
    full_walks as (select walk from u group by walk having count(*) >= ${limit})
    select status, count(distinct id)::int as n, bool_or(walk in (select walk from full_walks)) as is_full
    from u group by status`;
  const { rows } = await pool.query<{ status: RunStatus; n: number; is_full: boolean }>({ text, values });
  return RUN_STATUSES.flatMap((status) => {
    const row = rows.find((one) => one.status === status);
    if (row === undefined) return [];
    return [{ status, count: Math.min(row.n, COUNTED_RUNS), isCapped: row.is_full || row.n > COUNTED_RUNS }];
  });
}

/** Without another filter each ended status has an index to be counted by, and so have live ones with a slot. */
function countedApart(choice: RunChoice): RunChoice[] {
  const { statuses = RUN_STATUSES, firstId, lastId, from, to, ...others } = choice;
  if (Object.keys(others).length > 0) return [choice];
  const apart: RunStatus[][] = [...FINAL_RUN_STATUSES, "PENDING_VERSION" as const].map((status) => [status]);
  const groups: RunStatus[][] = [...apart, ["EXECUTING", "DEQUEUED"], ["QUEUED", "DELAYED", "WAITING"]];
  return groups
    .map((group) => group.filter((status) => statuses.includes(status)))
    .filter((group) => group.length > 0)
    .map((group) => ({ ...choice, statuses: group }));
}

/** The walks of one table, each ordered and no longer than the limit; none where its runs cannot match. */
function walksOf(table: Table, whole: RunChoice, walk: Walk, bind: Bind): string[] {
  const choice = withStatusesOf(table, whole);
  if (choice === undefined) return [];
  const bounds = boundConditions(choice, walk.page, "r.id", bind);
  const order = `order by r.id ${walk.page.before === undefined ? "desc" : "asc"} limit ${walk.limit}`;
  const select = (conditions: string[]) =>
    `select ${walk.columns} from ${table} r where ${["r.environment_id = $1", ...conditions].join(" and ")}`;
  const conditions = [...conditionsOf(table, choice, bind), ...timeConditions(table, choice, bind)];
  if (choice.among !== undefined) return [walkAmong(table, choice, walk, conditions, select, bind)];
  return spread(table, choice, bind).map((values) => `${select([...values, ...conditions, ...bounds])} ${order}`);
}

/** Only the statuses that a table's runs have; undefined where they have none of those wanted. */
function withStatusesOf(table: Table, choice: RunChoice): RunChoice | undefined {
  // Live runs have no error yet.
  if (table === "run" && choice.error !== undefined) return undefined;
  if (choice.statuses === undefined) return choice;
  const statuses = choice.statuses.filter((status) => isFinalRunStatus(status) === (table === "run_history"));
  if (statuses.length === 0) return undefined;
  const all = table === "run_history" ? FINAL_RUN_STATUSES.length : RUN_STATUSES.length - FINAL_RUN_STATUSES.length;
  const { statuses: _, ...rest } = choice;
  return new Set(statuses).size === all ? rest : { ...choice, statuses };
}

const SETS = {
  batch: (id: string) => `select i.run_id as id from batch_item i where i.batch_id = ${id} and i.run_id is not null`,
  schedule: (id: string) =>
    `select d.run_id as id from schedule_due d where d.schedule_id = ${id} and d.run_id is not null`,
  bulkAction: (id: string) =>
    `select coalesce(i.result_run_id, i.run_id) as id from bulk_action_item i where i.bulk_action_id = ${id} and i.state = 'done'`,
};

/** Goes through a known set in the list's order and looks each run up, in partitions that are younger than the run alone. */
function walkAmong(
  table: Table,
  choice: RunChoice,
  { page, limit }: Walk,
  conditions: string[],
  select: (conditions: string[]) => string,
  bind: Bind,
): string {
  const among = choice.among as NonNullable<RunChoice["among"]>;
  const order = page.before === undefined ? "desc" : "asc";
  const bounds = boundConditions(choice, page, "m.id", bind);
  const where = bounds.length === 0 ? "" : `where ${bounds.join(" and ")}`;
  const alternatives = spread(table, choice, bind).flatMap((values) =>
    values.length === 0 ? [] : [`(${values.join(" and ")})`],
  );
  const one = [
    "r.id = s.id",
    ...(table === "run_history" ? ["r.finished_at >= uuid_made_at(s.id) - interval '1 day'"] : []),
    ...(alternatives.length === 0 ? [] : [`(${alternatives.join(" or ")})`]),
    ...conditions,
  ];
  return `select k.* from (
      select m.id from (${SETS[among.kind](bind(among.id))}) m ${where} order by m.id ${order}
    ) s cross join lateral (${select(one)} limit 1) k limit ${limit}`;
}

/** Conditions on what indexes begin with: one list for each value of a kind that has several. */
function spread(table: Table, choice: RunChoice, bind: Bind): string[][] {
  const hasIndex = table === "run_history" && !choice.statuses?.includes("COMPLETED");
  const kinds: [string, string, readonly (string | number)[] | undefined][] = [
    ["r.task_id = ", "text", choice.taskIds],
    ["r.deployment_id = ", "uuid", choice.deploymentIds],
    ["r.queue_id = ", "int", choice.queueIds],
    ["r.machine = ", "text", choice.machines],
    ["r.status = ", "run_status", hasIndex ? choice.statuses : undefined],
  ];
  let lists: string[][] = [[]];
  let isSpread = false;
  for (const [compare, type, values] of kinds) {
    if (values === undefined) continue;
    const isMany = values.length > 1;
    if (isMany && !isSpread) lists = values.map((value) => [`${compare}${bind(value)}::${type}`]);
    else {
      const condition = isMany ? `${compare}any (${bind(values)}::${type}[])` : `${compare}${bind(values[0])}::${type}`;
      lists = lists.map((list) => [...list, condition]);
    }
    isSpread ||= isMany;
  }
  return lists;
}

function conditionsOf(table: Table, choice: RunChoice, bind: Bind): string[] {
  const { statuses, tags, key, error, parentRunId, rootRunId, isTest } = choice;
  const conditions: string[] = [];
  // Only what failed has an index by status.
  if (table === "run_history" && statuses !== undefined && !statuses.includes("COMPLETED"))
    conditions.push("r.status <> 'COMPLETED'");
  else if (statuses !== undefined) conditions.push(`r.status = any (${bind(statuses)}::run_status[])`);
  if (table === "run" && statuses !== undefined) conditions.push(...placeOf(statuses));
  if (tags !== undefined) conditions.push(`r.tags <> '{}' and r.tags && ${bind(tags)}::text[]`);
  if (key !== undefined) conditions.push(keyCondition(key, bind));
  if (error !== undefined) conditions.push(`r.error_fingerprint = ${bind(error)}`);
  if (parentRunId !== undefined) conditions.push(`r.parent_run_id = ${bind(parentRunId)}`);
  if (rootRunId !== undefined) conditions.push(`r.root_run_id = ${bind(rootRunId)}`);
  if (isTest !== undefined) conditions.push(isTest ? "r.is_test" : "not r.is_test");
  return conditions;
}

/** Few live runs have a slot, or wait for a version: they are found there, not among a million that are queued. */
function placeOf(statuses: RunStatus[]): string[] {
  if (statuses.every((status) => status === "EXECUTING" || status === "DEQUEUED"))
    return ["r.id in (select s.run_id from slot s where s.environment_id = $1)"];
  if (statuses.every((status) => status === "PENDING_VERSION"))
    return ["r.id in (select p.run_id from pending_version p where p.environment_id = $1)"];
  return [];
}

function keyCondition({ column, value }: NonNullable<RunChoice["key"]>, bind: Bind): string {
  const text = `${bind(value)}::text`;
  const key = column === "sent" ? "r.idempotency_key" : "r.idempotency_options ->> 'key'";
  const isThere = column === "sent" ? "r.idempotency_key is not null" : "r.idempotency_options is not null";
  return `${isThere} and hashtextextended(${key}, 0) = hashtextextended(${text}, 0) and ${key} = ${text}`;
}

function boundConditions(choice: RunChoice, page: Walk["page"], id: string, bind: Bind): string[] {
  const bounds: [string, string | undefined][] = [
    ["<", page.after],
    [">", page.before],
    [">=", choice.firstId],
    ["<=", choice.lastId],
  ];
  return bounds.flatMap(([compare, uuid]) => (uuid === undefined ? [] : [`${id} ${compare} ${bind(uuid)}`]));
}

function timeConditions(table: Table, { from, to }: RunChoice, bind: Bind): string[] {
  const conditions: string[] = [];
  if (from !== undefined) {
    const at = bind(from);
    conditions.push(`r.created_at >= ${at}`);
    // A run does not end before it is made: older partitions are not asked.
    if (table === "run_history") conditions.push(`r.finished_at >= ${at}`);
  }
  if (to !== undefined) conditions.push(`r.created_at <= ${bind(to)}`);
  return conditions;
}
