import type pg from "pg";
import { encodeId } from "../../ids.ts";
import type {
  BulkAction,
  BulkActionStore,
  BulkActionType,
  BulkOutcome,
  NewBulkAction,
  OpenBulkAction,
} from "../../runs/bulk-action.ts";
import type { RunFilter } from "../../runs/run.ts";
import { binder } from "./run-selection.ts";
import { storableText } from "./storable-text.ts";

interface Row {
  id: string;
  environment_id: number;
  name: string | null;
  type: BulkActionType;
  filter: Record<string, unknown> | null;
  run_filter: Record<string, unknown> | null;
  cursor: string | null;
  selected_at: Date | null;
  is_capped: boolean;
  total: number;
  succeeded: number;
  failed: number;
  aborted_at: Date | null;
  completed_at: Date | null;
  created_at: Date;
}

const SHOWN_FAILURES = 10;

export function createBulkActionStore(pool: pg.Pool): BulkActionStore {
  const act = async (name: string, text: string, values: unknown[]): Promise<number> =>
    (await pool.query({ name: `bulk-${name}`, text, values })).rowCount ?? 0;
  return {
    create: (action) => create(pool, action),
    async retrieve(environmentId, id) {
      const { rows } = await pool.query<Row>({
        name: "bulk-retrieve",
        text: "select * from bulk_action where environment_id = $1 and id = $2",
        values: [environmentId, id],
      });
      return rows[0] && toAction(rows[0]);
    },
    async failures(id) {
      const { rows } = await pool.query<{ run_id: string; code: string; message: string }>({
        name: "bulk-failures",
        text: `select run_id, code, message from bulk_action_item where bulk_action_id = $1 and state = 'failed'
               order by run_id desc limit ${SHOWN_FAILURES}`,
        values: [id],
      });
      return rows.map(({ run_id, ...failure }) => ({ runId: encodeId("run", run_id), ...failure }));
    },
    list: (environmentId, page) => list(pool, environmentId, page),
    async abort(environmentId, id) {
      const text = `update bulk_action set aborted_at = coalesce(aborted_at, now())
                    where environment_id = $1 and id = $2 and completed_at is null`;
      return (await act("abort", text, [environmentId, id])) > 0;
    },
    async open(limit) {
      const { rows } = await pool.query<Row>({
        name: "bulk-open",
        text: `select * from bulk_action
               where completed_at is null and aborted_at is null and retry_at <= now() order by retry_at, id limit $1`,
        values: [limit],
      });
      return rows.map(toOpen);
    },
    choose: (action, runIds, end) => choose(pool, action, runIds, end),
    async pending(id, limit) {
      const { rows } = await pool.query<{ run_id: string }>({
        name: "bulk-pending",
        text: `select i.run_id from bulk_action b join bulk_action_item i on i.bulk_action_id = b.id and i.state = 'pending'
               where b.id = $1 and b.aborted_at is null order by i.run_id desc limit $2`,
        values: [id, limit],
      });
      return rows.map((row) => row.run_id);
    },
    record: (id, outcomes) => record(pool, id, outcomes),
    async complete(id) {
      const text = `update bulk_action b set completed_at = now()
                    where b.id = $1 and b.completed_at is null and b.aborted_at is null and b.selected_at is not null`;
      await act("complete", text, [id]);
    },
    async postpone(id, ms) {
      const text = "update bulk_action set retry_at = now() + $2 * interval '1 millisecond' where id = $1";
      await act("postpone", text, [id, ms]);
    },
  };
}

async function create(pool: pg.Pool, { id, environmentId, name, type, filter, runIds }: NewBulkAction): Promise<void> {
  await pool.query({
    name: "bulk-create",
    text: `
      with action as (
        insert into bulk_action (id, environment_id, name, type, filter, run_filter, selected_at, total)
        values ($1, $2, $3, $4, $5, $6, case when $7::uuid[] is not null then now() end, coalesce(cardinality($7), 0))
        returning id
      )
      insert into bulk_action_item (bulk_action_id, run_id) select a.id, r.id from action a, unnest($7::uuid[]) r (id)`,
    values: [
      id,
      environmentId,
      name ?? null,
      type,
      filter === undefined ? null : JSON.stringify(filter.sent),
      filter === undefined ? null : JSON.stringify(filter.store),
      runIds ?? null,
    ],
  });
}

async function list(
  pool: pg.Pool,
  environmentId: number,
  { size, after, before }: { size: number; after?: string; before?: string },
): Promise<BulkAction[]> {
  const values: unknown[] = [environmentId];
  const bind = binder(values);
  const conditions = ["b.environment_id = $1"];
  if (after !== undefined) conditions.push(`b.id < ${bind(after)}`);
  if (before !== undefined) conditions.push(`b.id > ${bind(before)}`);
  const order = before === undefined ? "desc" : "asc";
  const { rows } = await pool.query<Row>({
    text: `select * from bulk_action b where ${conditions.join(" and ")} order by b.id ${order} limit ${bind(size)}`,
    values,
  });
  return (before === undefined ? rows : rows.reverse()).map(toAction);
}

/** The cursor is what makes a page of runs count once. */
async function choose(
  pool: pg.Pool,
  action: OpenBulkAction,
  runIds: string[],
  end: "more" | "all" | "capped",
): Promise<void> {
  await pool.query({
    name: "bulk-choose",
    text: `
      with moved as (
        update bulk_action set cursor = coalesce($3, cursor), total = total + cardinality($4::uuid[]),
          selected_at = case when $5 <> 'more' then now() end, is_capped = $5 = 'capped'
        where id = $1 and cursor is not distinct from $2 and selected_at is null
        returning id
      )
      insert into bulk_action_item (bulk_action_id, run_id) select m.id, r.id from moved m, unnest($4::uuid[]) r (id)`,
    values: [action.id, action.choosing?.cursor ?? null, runIds.at(-1) ?? null, runIds, end],
  });
}

/** An item's state is what makes its outcome count once. */
async function record(pool: pg.Pool, id: string, outcomes: BulkOutcome[]): Promise<void> {
  if (outcomes.length === 0) return;
  const rows = outcomes.map((outcome) => ({
    run_id: outcome.runId,
    state: outcome.isDone ? "done" : "failed",
    result_run_id: outcome.isDone ? outcome.resultRunId : undefined,
    code: outcome.isDone ? undefined : outcome.code,
    message: outcome.isDone ? undefined : storableText(outcome.message),
  }));
  await pool.query({
    name: "bulk-record",
    text: `
      with recorded as (
        update bulk_action_item i set state = o.state, result_run_id = o.result_run_id, code = o.code, message = o.message
        from json_to_recordset($2) as o (run_id uuid, state text, result_run_id uuid, code text, message text)
        where i.bulk_action_id = $1 and i.run_id = o.run_id and i.state = 'pending'
        returning i.state
      )
      update bulk_action b set succeeded = b.succeeded + n.done, failed = b.failed + n.failed
      from (select count(*) filter (where state = 'done')::int as done, count(*) filter (where state = 'failed')::int as failed
            from recorded) n
      where b.id = $1`,
    values: [id, JSON.stringify(rows)],
  });
}

function toAction(row: Row): BulkAction {
  return {
    id: encodeId("bulk", row.id),
    name: row.name ?? undefined,
    type: row.type,
    filter: row.filter ?? undefined,
    total: row.total,
    succeeded: row.succeeded,
    failed: row.failed,
    isSelected: row.selected_at !== null,
    isCapped: row.is_capped,
    createdAt: row.created_at,
    completedAt: row.completed_at ?? undefined,
    abortedAt: row.aborted_at ?? undefined,
  };
}

function toOpen(row: Row): OpenBulkAction {
  const { id, environment_id: environmentId, type, run_filter, cursor, total } = row;
  const choosing =
    row.selected_at !== null || run_filter === null
      ? undefined
      : { filter: filterOf(run_filter), cursor: cursor ?? undefined, total };
  return { id, environmentId, type, choosing };
}

/** Instants are text in JSON. */
function filterOf({ from, to, ...filter }: Record<string, unknown>): RunFilter {
  return {
    ...filter,
    ...(typeof from === "string" ? { from: new Date(from) } : {}),
    ...(typeof to === "string" ? { to: new Date(to) } : {}),
  };
}
