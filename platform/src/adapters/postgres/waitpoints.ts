import type { TokenStatus } from "@gantry/sdk/contract";
import type pg from "pg";
import type { Packet, PageRequest } from "../../runs/run.ts";
import { timeoutError } from "../../waitpoints/timeout-error.ts";
import type {
  Completion,
  WaitingRun,
  Waitpoint,
  WaitpointFilter,
  WaitpointRequest,
} from "../../waitpoints/waitpoint.ts";
import type { WaitpointStore } from "../../waitpoints/waitpoint-store.ts";
import { completeEntries, entriesOfTokens } from "./complete-entries.ts";
import { inTransaction } from "./transaction.ts";

export function createWaitpointStore(pool: pg.Pool): WaitpointStore {
  return {
    create: (environmentId, id, request) => createWaitpoint(pool, environmentId, id, request),
    retrieve: (environmentId, id) => retrieveWaitpoint(pool, environmentId, id),
    list: (environmentId, filter, page) => listWaitpoints(pool, environmentId, filter, page),
    waitingRuns: (environmentId, ids, limit) => waitingRuns(pool, environmentId, ids, limit),
    complete: (environmentId, id, output) =>
      inTransaction(pool, (client) => completeWaitpoint(client, environmentId, id, output)),
  };
}

type New = { environmentId: number; id: string; request: WaitpointRequest };

async function createWaitpoint(pool: pg.Pool, environmentId: number, id: string, request: WaitpointRequest) {
  const made = { environmentId, id, request };
  if (request.idempotencyKey === undefined) return insertWaitpoint(pool, made);
  return inTransaction(pool, (client) => insertWaitpoint(client, made));
}

/**
 * A key whose time is over is taken from its token first: with a key it needs a transaction. Of two that come at once, the
 * index lets one in.
 */
export async function insertWaitpoint(
  client: pg.Pool | pg.PoolClient,
  { environmentId, id, request: { idempotencyKey, idempotencyKeyTtlMs, timeoutAt, tags } }: New,
): Promise<{ id: string; isCached: boolean }> {
  if (idempotencyKey !== undefined) {
    await client.query({
      name: "expire-waitpoint-key",
      text: `update waitpoint set idempotency_key = null
             where environment_id = $1 and md5(idempotency_key) = md5($2) and idempotency_expires_at <= now()`,
      values: [environmentId, idempotencyKey],
    });
  }
  const { rows } = await client.query<{ id: string }>({
    name: "create-waitpoint",
    text: `insert into waitpoint as w (id, environment_id, idempotency_key, idempotency_expires_at, tags, due_at)
           values ($1, $2, $3, case when $3::text is not null then now() + $4::float8 * interval '1 ms' end, $5, $6)
           on conflict (environment_id, md5(idempotency_key)) where idempotency_key is not null
           do update set idempotency_key = w.idempotency_key
           returning w.id`,
    values: [id, environmentId, idempotencyKey ?? null, idempotencyKeyTtlMs ?? null, tags, timeoutAt ?? null],
  });
  const made = rows[0]?.id ?? id;
  return { id: made, isCached: made !== id };
}

interface Row {
  id: string;
  status: TokenStatus;
  tags: string[];
  created_at: Date;
  due_at: Date | null;
  completed_at: Date | null;
  idempotency_key: string | null;
  idempotency_expires_at: Date | null;
  output: Buffer | null;
  output_type: string | null;
}

const STATUS = "case when w.status = 'WAITING' and w.due_at <= now() then 'TIMED_OUT' else w.status end";
const SHOWN = `w.id, ${STATUS} as status, w.tags, w.created_at, w.due_at, w.idempotency_key, w.idempotency_expires_at,
  coalesce(w.completed_at, case when w.due_at <= now() then w.due_at end) as completed_at`;

async function retrieveWaitpoint(pool: pg.Pool, environmentId: number, id: string): Promise<Waitpoint | undefined> {
  const { rows } = await pool.query<Row>({
    name: "retrieve-waitpoint",
    text: `select ${SHOWN}, w.output, w.output_type from waitpoint w where w.environment_id = $1 and w.id = $2`,
    values: [environmentId, id],
  });
  return rows[0] === undefined ? undefined : toWaitpoint(rows[0]);
}

async function listWaitpoints(
  pool: pg.Pool,
  environmentId: number,
  filter: WaitpointFilter,
  page: PageRequest,
): Promise<Waitpoint[]> {
  const values: unknown[] = [environmentId];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const conditions = ["w.environment_id = $1"];
  if (filter.status?.length) conditions.push(`${STATUS} = any (${bind(filter.status)}::text[])`);
  if (filter.tags?.length) conditions.push(`w.tags && ${bind(filter.tags)}::text[]`);
  if (filter.idempotencyKey !== undefined) {
    const key = bind(filter.idempotencyKey);
    conditions.push(`md5(w.idempotency_key) = md5(${key}) and w.idempotency_key = ${key}`);
  }
  if (filter.from !== undefined) conditions.push(`w.created_at >= ${bind(filter.from)}`);
  if (filter.to !== undefined) conditions.push(`w.created_at <= ${bind(filter.to)}`);
  if (page.after !== undefined) conditions.push(`w.id < ${bind(page.after)}`);
  if (page.before !== undefined) conditions.push(`w.id > ${bind(page.before)}`);
  const order = page.before === undefined ? "desc" : "asc";
  const { rows } = await pool.query<Row>({
    text: `select ${SHOWN}, null::bytea as output, null::text as output_type from waitpoint w
           where ${conditions.join(" and ")} order by w.id ${order} limit ${bind(page.size + 1)}`,
    values,
  });
  return rows.map(toWaitpoint);
}

async function waitingRuns(
  pool: pg.Pool,
  environmentId: number,
  ids: readonly string[],
  limit: number,
): Promise<Map<string, WaitingRun[]>> {
  const { rows } = await pool.query<{ token_id: string; id: string; task_id: string }>({
    name: "waiting-runs",
    text: `select t.id as token_id, r.id, r.task_id from unnest($2::uuid[]) as t (id)
           cross join lateral (
             select distinct r.id, r.task_id from journal_entry e join run r on r.environment_id = $1 and r.id = e.run_id
             where e.token_id = t.id and e.completed_at is null order by r.id limit $3) r
           order by 1, 2`,
    values: [environmentId, ids, limit],
  });
  const found = new Map<string, WaitingRun[]>();
  for (const { token_id: token, id, task_id: taskId } of rows)
    found.set(token, [...(found.get(token) ?? []), { id, taskId }]);
  return found;
}

/** The row is locked by the first statement; entries are looked for after it, see complete-entries.ts. */
export async function completeWaitpoint(
  client: pg.PoolClient,
  environmentId: number,
  id: string,
  output: Packet,
): Promise<Completion | undefined> {
  const { rows } = await client.query<{ status: "COMPLETED" | "TIMED_OUT"; due_at: Date | null }>({
    name: "complete-waitpoint",
    text: `update waitpoint w set
             status = case when w.due_at <= now() then 'TIMED_OUT' else 'COMPLETED' end,
             completed_at = case when w.due_at <= now() then w.due_at else now() end,
             output = case when w.due_at <= now() then null else $3::bytea end,
             output_type = case when w.due_at <= now() then null else $4 end
           where w.environment_id = $1 and w.id = $2 and w.status = 'WAITING'
           returning w.status, w.due_at`,
    values: [environmentId, id, output.data, output.type],
  });
  const ended = rows[0];
  if (ended === undefined) return endedBefore(client, environmentId, id);
  const { status, due_at: dueAt } = ended;
  const outcome =
    status === "COMPLETED" ? { ok: true, value: output } : { ok: false, error: timeoutError(dueAt ?? new Date()) };
  const entries = await entriesOfTokens(client, [id]);
  await completeEntries(
    client,
    entries.map(({ runId, entry }) => ({ runId, entry, ...outcome })),
  );
  return { status, isFirst: status === "COMPLETED" };
}

async function endedBefore(client: pg.PoolClient, environmentId: number, id: string): Promise<Completion | undefined> {
  const { rows } = await client.query<{ status: "COMPLETED" | "TIMED_OUT" }>({
    name: "waitpoint-status",
    text: "select status from waitpoint where environment_id = $1 and id = $2",
    values: [environmentId, id],
  });
  return rows[0] === undefined ? undefined : { status: rows[0].status, isFirst: false };
}

/** Ends up to `limit` tokens whose time is over, and fails what waits for them. How many. For the wake loop. */
export async function timeOutWaitpoints(pool: pg.Pool, limit: number): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string; due_at: Date }>({
      name: "time-out-waitpoints",
      text: `update waitpoint w set status = 'TIMED_OUT', completed_at = w.due_at
             from (select id from waitpoint where status = 'WAITING' and due_at <= now()
                   order by due_at limit $1 for update skip locked) d
             where w.id = d.id returning w.id, w.due_at`,
      values: [limit],
    });
    if (rows.length === 0) return 0;
    const dueAt = new Map(rows.map((row) => [row.id, row.due_at]));
    const entries = await entriesOfTokens(client, [...dueAt.keys()]);
    await completeEntries(
      client,
      entries.map(({ runId, entry, tokenId }) => ({
        runId,
        entry,
        ok: false,
        error: timeoutError(dueAt.get(tokenId) ?? new Date()),
      })),
    );
    return rows.length;
  });
}

function toWaitpoint(row: Row): Waitpoint {
  return {
    id: row.id,
    status: row.status,
    tags: row.tags,
    createdAt: row.created_at,
    timeoutAt: row.due_at ?? undefined,
    completedAt: row.completed_at ?? undefined,
    idempotencyKey: row.idempotency_key ?? undefined,
    idempotencyKeyExpiresAt: row.idempotency_expires_at ?? undefined,
    output: row.output_type === null ? undefined : { data: row.output ?? Buffer.alloc(0), type: row.output_type },
  };
}
