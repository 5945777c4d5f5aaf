import type { JournalAppend, JournalOpen } from "@gantry/sdk/contract";
import type pg from "pg";
import { AppError } from "../../errors.ts";
import { decodeId } from "../../ids.ts";
import { timeoutError } from "../../waitpoints/timeout-error.ts";
import { batchOutcome, endedRuns, goneError, liveRuns, markAwaited, markOne } from "./awaited-runs.ts";
import {
  againAfterDeadlock,
  type AppendCall,
  type AppendReply,
  completionsAfter,
  ENTRY_BYTES,
  outcomeOf,
  type StoredOutcome,
} from "./journal-rows.ts";
import { storableText } from "./storable-text.ts";
import { inTransaction } from "./transaction.ts";

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

interface Targets {
  tokens: string[];
  children: string[];
  batches: string[];
}

/** Ids as the SDK knows them; UUIDs are taken as they are. */
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const NIL = "00000000-0000-0000-0000-000000000000";
const uuidOf = (prefix: "run" | "batch" | "waitpoint", id: string) =>
  decodeId(prefix, id) ?? (UUID.test(id) ? id.toLowerCase() : NIL);

function targetOf(entry: JournalOpen): string | undefined {
  if (entry.kind === "token") return uuidOf("waitpoint", entry.tokenId);
  if (entry.kind === "child") return uuidOf("run", entry.childRunId);
  return entry.kind === "batch" ? uuidOf("batch", entry.batchId) : undefined;
}

function targetsOf(entries: JournalAppend[]): Targets {
  const of = (kind: string) => [
    ...new Set(
      entries.flatMap((entry) => (entry.type === "open" && entry.kind === kind ? (targetOf(entry) ?? []) : [])),
    ),
  ];
  return { tokens: of("token"), children: of("child"), batches: of("batch") };
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
  const gate = await client.query<{ run_id: string; is_parked: boolean }>({
    name: "journal-gate",
    text: `select x.run_id, x.state = 'PARKED' as is_parked from execution x
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
  const settler = { client, environmentId: owner.environmentId, tokens, batches, isMarked };
  const opened: Opened[] = [];
  for (const entry of fresh)
    opened.push(entry.type === "done" ? { entry, outcome: outcomeOf(entry) } : await open(settler, entry));
  const seq = await store(client, call, at.run_id, journal, opened);
  const isParked = at.is_parked || journal.waits_after !== null;
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

interface Token {
  id: string;
  status: "WAITING" | "COMPLETED" | "TIMED_OUT";
  is_due: boolean;
  due_at: Date | null;
  output: Buffer | null;
  output_type: string | null;
}

async function lockTokens(client: pg.PoolClient, environmentId: number, ids: string[]): Promise<Map<string, Token>> {
  if (ids.length === 0) return new Map();
  const { rows } = await client.query<Token>({
    name: "lock-tokens",
    text: `select w.id, w.status, coalesce(w.due_at <= now(), false) as is_due, w.due_at, w.output, w.output_type
           from waitpoint w where w.environment_id = $1 and w.id = any ($2::uuid[]) order by w.id for share`,
    values: [environmentId, ids],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Whoever completes a batch locks it too; see settlements.ts. */
async function lockBatches(client: pg.PoolClient, environmentId: number, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await client.query<{ id: string }>({
    name: "lock-batches",
    text: `select b.id from batch b where b.environment_id = $1 and b.id = any ($2::uuid[]) order by b.id for update`,
    values: [environmentId, ids],
  });
  return new Set(rows.map((row) => row.id));
}

interface Settler {
  client: pg.PoolClient;
  environmentId: number;
  tokens: Map<string, Token>;
  batches: Set<string>;
  isMarked: boolean;
}

interface Opened {
  entry: JournalAppend;
  /** Set where it is complete already. */
  outcome?: StoredOutcome | undefined;
  /** Of a wait for a time: by the database's clock; its own, or that of an earlier wait with its key. */
  due?: string | undefined;
}

async function open(settler: Settler, entry: JournalOpen): Promise<Opened> {
  switch (entry.kind) {
    case "time":
      return openTime(settler, entry);
    case "token":
      return { entry, outcome: tokenOutcome(settler, entry) };
    case "child":
      return { entry, outcome: await childOutcome(settler, uuidOf("run", entry.childRunId)) };
    case "batch":
      return { entry, outcome: await openBatch(settler, entry) };
  }
}

const DONE: StoredOutcome = { ok: true, value: null, valueType: null, error: undefined };
/** As late as an instant can be that Postgres and JavaScript both know: the end of the year 9999. */
const LATEST_MS = 253_402_300_799_000;

async function openTime(
  { client, environmentId }: Settler,
  entry: Extract<JournalOpen, { kind: "time" }>,
): Promise<Opened> {
  const isRelative = "inMs" in entry.due;
  const ms = Math.min(LATEST_MS, "inMs" in entry.due ? entry.due.inMs : entry.due.at);
  const { rows } = await client.query<{ due_at: string; is_due: boolean }>({
    name: "wait-due",
    text: `
      with own as materialized (
        select least(to_timestamp($2::float8 / 1000),
          case when $1 then clock_timestamp() + $3::float8 * interval '1 ms' else to_timestamp($3::float8 / 1000) end) as due_at
      ), shared as (
        insert into wait_key as k (environment_id, key, due_at, expires_at)
        select $4::int, decode($5::text, 'hex'), o.due_at, clock_timestamp() + $6::float8 * interval '1 ms'
        from own o where $5 is not null
        on conflict (environment_id, key) do update set
          due_at = case when k.expires_at <= clock_timestamp() then excluded.due_at else k.due_at end,
          expires_at = case when k.expires_at <= clock_timestamp() then excluded.expires_at else k.expires_at end
        returning due_at
      )
      select d.due_at::text, d.due_at <= clock_timestamp() as is_due
      from (select coalesce((select s.due_at from shared s), o.due_at) as due_at from own o) d`,
    values: [
      isRelative,
      LATEST_MS,
      ms,
      environmentId,
      keyOf(entry.idempotencyKey),
      entry.idempotencyKeyTtlMs ?? 30 * 24 * 3600_000,
    ],
  });
  const { due_at: due, is_due: isDue } = rows[0] as { due_at: string; is_due: boolean };
  return { entry, due, outcome: isDue ? DONE : undefined };
}

/** A hash in hex; anything else is taken by its bytes. */
function keyOf(key: string | undefined): string | null {
  if (key === undefined) return null;
  return /^(?:[0-9a-f]{2})+$/i.test(key) ? key : Buffer.from(key, "utf8").toString("hex");
}

function tokenOutcome(
  { tokens }: Settler,
  { tokenId }: Extract<JournalOpen, { kind: "token" }>,
): StoredOutcome | undefined {
  const token = tokens.get(uuidOf("waitpoint", tokenId));
  if (token === undefined) throw new AppError("TOKEN_NOT_FOUND", `There is no token ${tokenId}.`);
  if (token.status === "COMPLETED")
    return { ok: true, value: token.output, valueType: token.output_type, error: undefined };
  if (token.status === "WAITING" && !token.is_due) return undefined;
  return { ok: false, value: null, valueType: null, error: timeoutError(token.due_at ?? new Date()) };
}

async function childOutcome(
  { client, environmentId, isMarked }: Settler,
  runId: string,
): Promise<StoredOutcome | undefined> {
  // The one that is marked here cannot end before this is committed.
  if (!isMarked && (await markOne(client, environmentId, runId))) return undefined;
  if (isMarked && (await liveRuns(client, environmentId, [runId])).has(runId)) {
    await lookAgain(client, environmentId, "child", runId);
    return undefined;
  }
  const ended = (await endedRuns(client, environmentId, [runId])).get(runId);
  return ended ?? { ok: false, value: null, valueType: null, error: goneError(runId) };
}

async function openBatch(
  { client, environmentId, batches }: Settler,
  entry: Extract<JournalOpen, { kind: "batch" }>,
): Promise<StoredOutcome | undefined> {
  const batchId = uuidOf("batch", entry.batchId);
  if (!batches.has(batchId)) throw new AppError("BATCH_NOT_FOUND", `There is no batch ${entry.batchId}.`);
  const { rows } = await client.query<{ is_sealed: boolean; is_open: boolean }>({
    name: "await-batch",
    text: `
      with live as (
        update batch_item i set awaits = true from run r
        where i.batch_id = $2 and r.environment_id = $1 and r.id = i.run_id returning 1
      )
      select b.sealed_at is not null as is_sealed, exists (select 1 from live) as is_open from batch b where b.id = $2`,
    values: [environmentId, batchId],
  });
  const { is_sealed: isSealed, is_open: isOpen } = rows[0] as { is_sealed: boolean; is_open: boolean };
  if (isSealed && !isOpen) return batchOutcome(client, environmentId, batchId);
  await lookAgain(client, environmentId, "batch", batchId);
  return undefined;
}

/** What ends before this is committed may have been settled already, when nobody was seen to wait for it. */
async function lookAgain(
  client: pg.PoolClient,
  environmentId: number,
  kind: "child" | "batch",
  id: string,
): Promise<void> {
  await client.query({
    name: "look-again",
    text: "insert into settlement (kind, id, environment_id) values ($1, $2, $3)",
    values: [kind, id, environmentId],
  });
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
