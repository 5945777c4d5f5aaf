import type pg from "pg";
import { batchOutcome, type EndedRun, endedRuns, goneError, liveRuns, markAwaited } from "./awaited-runs.ts";
import { completeEntries, type EntryOutcome, lockJournals } from "./complete-entries.ts";
import type { StoredOutcome } from "./journal-rows.ts";
import { inTransaction } from "./transaction.ts";

/**
 * What ended runs complete. A settlement is taken and acted upon in one transaction. Of a batch, whose items several may
 * settle at once, the row is locked: the one who takes the last item away sees that it is the last.
 */
interface Settlement {
  kind: "child" | "batch";
  id: string;
  environment_id: number;
}

/** Up to `limit`; how many. */
export async function settle(pool: pg.Pool, limit: number): Promise<number> {
  await markLate(pool, limit);
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<Settlement>({
      name: "take-settlements",
      text: `delete from settlement where ctid = any (array(
               select s.ctid from settlement s where s.kind in ('child', 'batch') limit $1 for update skip locked))
             returning kind, id, environment_id`,
      values: [limit],
    });
    const environments = new Map<number, { children: string[]; batches: string[] }>();
    for (const { kind, id, environment_id: environmentId } of rows) {
      let of = environments.get(environmentId);
      if (of === undefined) environments.set(environmentId, (of = { children: [], batches: [] }));
      of[kind === "child" ? "children" : "batches"].push(id);
    }
    // In one order, as locks are taken.
    const outcomes: EntryOutcome[] = [];
    for (const [environmentId, { children, batches }] of [...environments].sort(([a], [b]) => a - b)) {
      outcomes.push(...(await settleChildren(client, environmentId, children)));
      outcomes.push(...(await settleBatches(client, environmentId, children, batches)));
    }
    await completeEntries(client, outcomes);
    return rows.length;
  });
}

/** Items that came after the wait for their batch was stored, as it was not sealed yet: marked before they are looked at. */
async function markLate(pool: pg.Pool, limit: number): Promise<void> {
  const { rows } = await pool.query<{ environment_id: number; run_ids: string[] }>({
    name: "late-items",
    text: `select r.environment_id, array_agg(r.id) as run_ids
           from (select s.id, s.environment_id from settlement s where s.kind = 'batch' limit $1) s
           join batch_item i on i.batch_id = s.id
           join run r on r.environment_id = s.environment_id and r.id = i.run_id and not r.awaited
           where exists (select 1 from journal_entry j where j.batch_id = s.id and j.completed_at is null)
           group by r.environment_id`,
    values: [limit],
  });
  for (const { environment_id: environmentId, run_ids: runIds } of rows) await markAwaited(pool, environmentId, runIds);
}

interface Waiting {
  run_id: string;
  entry: number;
  target: string;
}

async function waitingFor(
  client: pg.PoolClient,
  column: "child_run_id" | "batch_id",
  ids: string[],
): Promise<Waiting[]> {
  const { rows } = await client.query<Waiting>({
    name: `waiting-for-${column}`,
    text: `select j.run_id, j.entry, j.${column} as target from journal_entry j
           where j.${column} = any ($1::uuid[]) and j.completed_at is null`,
    values: [ids],
  });
  return rows;
}

async function settleChildren(client: pg.PoolClient, environmentId: number, runIds: string[]): Promise<EntryOutcome[]> {
  if (runIds.length === 0) return [];
  const waiting = await waitingFor(client, "child_run_id", runIds);
  const targets = [...new Set(waiting.map(({ target }) => target))];
  if (targets.length === 0) return [];
  const ended = await endedRuns(client, environmentId, targets);
  const live = await liveRuns(
    client,
    environmentId,
    targets.filter((id) => !ended.has(id)),
  );
  const place = new Map(runIds.map((id, index) => [id, index]));
  return waiting
    .filter(({ target }) => !live.has(target))
    .sort((a, b) => (place.get(a.target) as number) - (place.get(b.target) as number))
    .map(({ run_id: runId, entry, target }) => ({ runId, entry, ...outcomeFor(ended.get(target), target) }));
}

function outcomeFor(ended: EndedRun | undefined, runId: string): Pick<EntryOutcome, "ok" | "value" | "error"> {
  return ended === undefined ? { ok: false, error: goneError(runId) } : toOutcome(ended);
}

function toOutcome({ ok, value, valueType, error }: StoredOutcome): Pick<EntryOutcome, "ok" | "value" | "error"> {
  return { ok, value: value === null ? undefined : { data: value, type: valueType ?? "" }, error };
}

async function settleBatches(
  client: pg.PoolClient,
  environmentId: number,
  runIds: string[],
  checked: string[],
): Promise<EntryOutcome[]> {
  const { rows } = await client.query<{ id: string }>({
    name: "lock-settled-batches",
    text: `select b.id from batch b where b.environment_id = $1 and (b.id = any ($3::uuid[]) or b.id = any (array(
             select i.batch_id from batch_item i where i.run_id = any ($2::uuid[]) and i.awaits)))
           order by b.id for update`,
    values: [environmentId, runIds, checked],
  });
  const batchIds = rows.map((row) => row.id);
  if (batchIds.length === 0) return [];
  await takeAway(client, environmentId, runIds, checked);
  const complete = await client.query<{ id: string }>({
    name: "complete-batches",
    text: `select b.id from batch b where b.id = any ($1::uuid[]) and b.sealed_at is not null
             and not exists (select 1 from batch_item i where i.batch_id = b.id and i.awaits)`,
    values: [batchIds],
  });
  const waiting = await waitingFor(
    client,
    "batch_id",
    complete.rows.map((row) => row.id),
  );
  const outcomes: EntryOutcome[] = [];
  for (const batchId of new Set(waiting.map(({ target }) => target))) {
    const outcome = toOutcome(await batchOutcome(client, environmentId, batchId));
    for (const one of waiting)
      if (one.target === batchId) outcomes.push({ runId: one.run_id, entry: one.entry, ...outcome });
  }
  return outcomes;
}

/** The batches are locked. */
async function takeAway(
  client: pg.PoolClient,
  environmentId: number,
  runIds: string[],
  checked: string[],
): Promise<void> {
  await client.query({
    name: "settle-items",
    text: `update batch_item i set awaits = false where i.awaits and i.run_id = any ($2::uuid[])
             and not exists (select 1 from run r where r.environment_id = $1 and r.id = i.run_id)`,
    values: [environmentId, runIds],
  });
  if (checked.length === 0) return;
  await client.query({
    name: "check-items",
    text: `
      with gone as (
        update batch_item i set awaits = false where i.awaits and i.batch_id = any ($2::uuid[])
          and not exists (select 1 from run r where r.environment_id = $1 and r.id = i.run_id)
      ), late as (
        update batch_item i set awaits = true from run r
        where i.batch_id = any ($2::uuid[]) and not i.awaits and r.environment_id = $1 and r.id = i.run_id and r.awaited
          and exists (select 1 from journal_entry j where j.batch_id = i.batch_id and j.completed_at is null)
        returning i.batch_id
      )
      -- One of these may have been settled before this is committed.
      insert into settlement (kind, id, environment_id) select distinct 'batch', l.batch_id, $1::int from late l`,
    values: [environmentId, checked],
  });
}

/** Moves the journals of ended runs to history; how many runs. */
export async function archiveJournals(pool: pg.Pool, limit: number): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string; finished_at: Date }>({
      name: "take-journals",
      text: `delete from settlement where ctid = any (array(
               select s.ctid from settlement s where s.kind = 'journal' limit $1 for update skip locked))
             returning id, finished_at`,
      values: [limit],
    });
    if (rows.length === 0) return 0;
    const runIds = rows.map((row) => row.id);
    await lockJournals(client, runIds);
    await client.query({
      name: "archive-journals",
      text: `
        with ended as materialized (
          select * from unnest($1::uuid[], $2::timestamptz[]) as e (run_id, finished_at)
        ), head as (
          delete from run_journal g using ended e where g.run_id = e.run_id
        ), moved as (
          delete from journal_entry j using ended e where j.run_id = e.run_id returning j.*, e.finished_at
        )
        insert into journal_history (run_id, entry, finished_at, environment_id, kind, key, label, fingerprint, after, attempt,
          opened_at, started_at, tries, due_at, token_id, child_run_id, batch_id, seq, completed_at, ok, value, value_type, error)
        select run_id, entry, finished_at, environment_id, kind, key, label, fingerprint, after, attempt, opened_at, started_at,
          tries, due_at, token_id, child_run_id, batch_id, seq, completed_at, ok, value, value_type, error
        from moved`,
      values: [runIds, rows.map((row) => row.finished_at)],
    });
    return rows.length;
  });
}
