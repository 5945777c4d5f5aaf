import type { JournalAppend } from "@gantry/sdk/contract";
import type pg from "pg";
import { markAwaited } from "./awaited-runs.ts";
import { IS_UNTOLD, tellToGoOn } from "./held-executions.ts";
import {
  type AppendCall,
  type AppendReply,
  againAfterDeadlock,
  completionsAfter,
  ENTRY_BYTES,
  outcomeOf,
} from "./journal-rows.ts";
import { storableText } from "./storable-text.ts";
import { inTransaction } from "./transaction.ts";
import {
  LATEST_MS,
  lockBatches,
  lockTokens,
  type Opened,
  openWait,
  type Settler,
  type Targets,
  targetOf,
  targetsOf,
} from "./wait-targets.ts";

/**
 * Appends that open waits. Locks in the order that complete-entries.ts names: the execution, what is waited for (tokens,
 * batches), the journal, and then a child's run, which is the last that this waits for.
 *
 * What has come already completes its entry at once. What comes later finds the entry: a token because its row is locked,
 * a child because its row is marked before it can end. Of several children the marks are committed first, each alone; one
 * that ends in between is found by a settlement that is left for the wake loop to look again.
 */
export async function appendOpen(pool: pg.Pool, call: AppendCall): Promise<AppendReply> {
  const { environmentId } = call.owner;
  const targets = targetsOf(call.entries);
  const runIds = [...targets.children, ...(await runsOfBatches(pool, environmentId, targets.batches))];
  const isMarked = targets.batches.length > 0 || runIds.length > 1;
  if (isMarked && runIds.length > 0) await markAwaited(pool, environmentId, runIds);
  return againAfterDeadlock(() => inTransaction(pool, (client) => storeCall(client, call, targets, isMarked)));
}

async function runsOfBatches(pool: pg.Pool, environmentId: number, batchIds: string[]): Promise<string[]> {
  if (batchIds.length === 0) return [];
  const { rows } = await pool.query<{ run_id: string }>({
    name: "runs-of-batches",
    text: `select i.run_id from batch b join batch_item i on i.batch_id = b.id
           where b.environment_id = $1 and b.id = any ($2::uuid[]) and i.run_id is not null`,
    values: [environmentId, batchIds],
  });
  return rows.map((row) => row.run_id);
}

interface Journal {
  seq: number;
  entries: number;
  bytes: string;
  waits_after: number | null;
}

async function storeCall(
  client: pg.PoolClient,
  call: AppendCall,
  targets: Targets,
  isMarked: boolean,
): Promise<AppendReply> {
  const { owner, known } = call;
  const gate = await client.query<{ run_id: string; is_parked: boolean; is_untold: boolean }>({
    name: "journal-gate",
    text: `select x.run_id, x.state = 'PARKED' as is_parked, ${IS_UNTOLD} as is_untold from execution x
           where x.id = $1 and x.fence = $2 and x.environment_id = $3 for key share`,
    values: [owner.executionId, owner.fence, owner.environmentId],
  });
  const at = gate.rows[0];
  if (at === undefined) return "fenced";
  const tokens = await lockTokens(client, owner.environmentId, targets.tokens);
  const batches = await lockBatches(client, owner.environmentId, targets.batches);
  const { rows } = await client.query<Journal>({
    name: "lock-journal",
    text: `insert into run_journal as j (run_id, environment_id) values ($1, $2)
           on conflict (run_id) do update set seq = j.seq
           returning j.seq, j.entries, j.bytes::text, j.waits_after`,
    values: [at.run_id, owner.environmentId],
  });
  const journal = rows[0] as Journal;
  const fresh = await newAmong(client, at.run_id, call.entries);
  const settler: Settler = { client, environmentId: owner.environmentId, tokens, batches, isMarked };
  const opened: Opened[] = [];
  for (const entry of fresh)
    opened.push(entry.type === "done" ? { entry, outcome: outcomeOf(entry) } : await openWait(settler, entry));
  const seq = await store(client, call, at.run_id, journal, opened);
  const isParked = at.is_parked || journal.waits_after !== null;
  if (at.is_untold && !isParked) await tellToGoOn(client, owner);
  return {
    state: isParked ? "PARKED" : "RUNNING",
    completions: seq > known ? await completionsAfter(client, at.run_id, known) : [],
  };
}

async function newAmong(client: pg.PoolClient, runId: string, entries: JournalAppend[]): Promise<JournalAppend[]> {
  const { rows } = await client.query<{ entry: number }>({
    name: "entries-among",
    text: "select entry from journal_entry where run_id = $1 and entry = any ($2::int[])",
    values: [runId, entries.map(({ entry }) => entry)],
  });
  const stored = new Set(rows.map((row) => row.entry));
  const byNumber = new Map(entries.filter(({ entry }) => !stored.has(entry)).map((entry) => [entry.entry, entry]));
  return [...byNumber.values()];
}

/** Returns the journal's `seq` now. Errors: of the database, `journal_limit` among them. */
async function store(
  client: pg.PoolClient,
  { owner, limits }: AppendCall,
  runId: string,
  journal: Journal,
  opened: Opened[],
): Promise<number> {
  if (opened.length === 0) return journal.seq;
  let seq = journal.seq;
  const rows = opened.map((one) => toRow(one, one.outcome === undefined ? undefined : ++seq));
  await client.query({
    name: "journal-open",
    text: `
      with given as materialized (
        select e.*, v.value from json_to_recordset($3) as e (
          n int, entry int, kind text, key text, label text, fingerprint text, after int, attempt int, started_at float8,
          tries int, due_at timestamptz, timeout_ms float8, token_id uuid, child_run_id uuid, batch_id uuid, seq int,
          ok boolean, value_type text, error jsonb)
        join unnest($4::bytea[]) with ordinality as v (value, n) on v.n = e.n
      ), stored as (
        insert into journal_entry (run_id, entry, environment_id, kind, key, label, fingerprint, after, attempt, started_at,
          tries, due_at, token_id, child_run_id, batch_id, seq, completed_at, ok, value, value_type, error)
        select $1, entry, $2, kind, key, label, fingerprint, after, attempt, to_timestamp(started_at / 1000),
          least(coalesce(tries, 1), 32767),
          coalesce(due_at, case when timeout_ms is not null
            then least(to_timestamp(${LATEST_MS / 1000}), clock_timestamp() + timeout_ms * interval '1 ms') end),
          token_id, child_run_id, batch_id, seq, case when seq is not null then clock_timestamp() end, ok, value, value_type, error
        from given
      ), counted as materialized (
        select j.entries + (select count(*) from given) as entries,
          j.bytes + (select sum(${ENTRY_BYTES("g")}) from given g)::bigint as bytes
        from run_journal j where j.run_id = $1
      ), grown as (
        update run_journal j set seq = $5, entries = c.entries, bytes = c.bytes from counted c where j.run_id = $1
      ), marked as (
        update run r set has_journal = true
        where r.environment_id = $2 and r.id = $1 and not r.has_journal and $8
      ), woken as (
        insert into run_wake (environment_id, run_id) select $2, $1 where $9
      )
      select case when c.entries > $6::bigint then journal_limit('journalEntries', $6, c.entries)
                  when c.bytes > $7::bigint then journal_limit('journalBytes', $7, c.bytes) end
      from counted c`,
    values: [
      runId,
      owner.environmentId,
      JSON.stringify(rows.map((row, index) => ({ n: index + 1, ...row }))),
      opened.map(({ outcome }) => outcome?.value ?? null),
      seq,
      limits.journalEntries,
      limits.journalBytes,
      journal.entries === 0,
      journal.waits_after !== null && seq > journal.seq,
    ],
  });
  return seq;
}

function toRow({ entry, outcome, due }: Opened, seq: number | undefined): Record<string, unknown> {
  const target = entry.type === "open" ? targetOf(entry) : undefined;
  return {
    entry: entry.entry,
    kind: entry.kind,
    key: storableText(entry.key),
    label: storableText(entry.label),
    fingerprint: entry.fingerprint,
    after: entry.after,
    attempt: entry.attempt,
    started_at: entry.type === "done" ? entry.startedAt : undefined,
    tries: entry.type === "done" ? entry.tries : undefined,
    due_at: due,
    timeout_ms: entry.kind === "token" ? entry.timeoutMs : undefined,
    token_id: entry.kind === "token" ? target : undefined,
    child_run_id: entry.kind === "child" ? target : undefined,
    batch_id: entry.kind === "batch" ? target : undefined,
    seq,
    ok: outcome?.ok,
    value_type: outcome?.valueType ?? undefined,
    error: outcome?.error,
  };
}
