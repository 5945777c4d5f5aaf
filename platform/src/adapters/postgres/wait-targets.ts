import { DEFAULT_LIMITS, type JournalAppend, type JournalOpen } from "@gantry/sdk/contract";
import type pg from "pg";
import { AppError } from "../../errors.ts";
import { decodeId } from "../../ids.ts";
import { timeoutError } from "../../waitpoints/timeout-error.ts";
import { batchOutcome, endedRuns, goneError, liveRuns, markOne } from "./awaited-runs.ts";
import type { StoredOutcome } from "./journal-rows.ts";

/** What waits are for, and whether it has come already; see journal-open.ts for the order of the locks. */
export interface Targets {
  tokens: string[];
  children: string[];
  batches: string[];
}

/** Ids as the SDK knows them; UUIDs are taken as they are. */
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const NIL = "00000000-0000-0000-0000-000000000000";
const uuidOf = (prefix: "run" | "batch" | "waitpoint", id: string) =>
  decodeId(prefix, id) ?? (UUID.test(id) ? id.toLowerCase() : NIL);

export function targetOf(entry: JournalOpen): string | undefined {
  if (entry.kind === "token") return uuidOf("waitpoint", entry.tokenId);
  if (entry.kind === "child") return uuidOf("run", entry.childRunId);
  return entry.kind === "batch" ? uuidOf("batch", entry.batchId) : undefined;
}

export function targetsOf(entries: JournalAppend[]): Targets {
  const of = (kind: string) => [
    ...new Set(
      entries.flatMap((entry) => (entry.type === "open" && entry.kind === kind ? (targetOf(entry) ?? []) : [])),
    ),
  ];
  return { tokens: of("token"), children: of("child"), batches: of("batch") };
}

interface Token {
  id: string;
  status: "WAITING" | "COMPLETED" | "TIMED_OUT";
  is_due: boolean;
  due_at: Date | null;
  output: Buffer | null;
  output_type: string | null;
}

export async function lockTokens(
  client: pg.PoolClient,
  environmentId: number,
  ids: string[],
): Promise<Map<string, Token>> {
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
export async function lockBatches(client: pg.PoolClient, environmentId: number, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await client.query<{ id: string }>({
    name: "lock-batches",
    text: `select b.id from batch b where b.environment_id = $1 and b.id = any ($2::uuid[]) order by b.id for update`,
    values: [environmentId, ids],
  });
  return new Set(rows.map((row) => row.id));
}

export interface Settler {
  client: pg.PoolClient;
  environmentId: number;
  tokens: Map<string, Token>;
  batches: Set<string>;
  isMarked: boolean;
}

export interface Opened {
  entry: JournalAppend;
  /** Set where it is complete already. */
  outcome?: StoredOutcome | undefined;
  /** Of a wait for a time: by the database's clock; its own, or that of an earlier wait with its key. */
  due?: string | undefined;
}

export async function openWait(settler: Settler, entry: JournalOpen): Promise<Opened> {
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
export const LATEST_MS = 253_402_300_799_000;

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
      entry.idempotencyKeyTtlMs ?? DEFAULT_LIMITS.idempotencyKeyTtlMs,
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
