import type { JournalCompletion, JournalDone } from "@gantry/sdk/contract";
import type pg from "pg";
import { IS_UNTOLD } from "./held-executions.ts";
import {
  type AppendCall,
  type AppendReply,
  completionsAfter,
  ENTRY_BYTES,
  outcomeOf,
  type StoredOutcome,
} from "./journal-rows.ts";
import { storableText } from "./storable-text.ts";

/**
 * Appends of ended entries: many calls, one statement, one commit.
 *
 *   execution   for key share: ending it waits for us, and one that has ended is fenced
 *   run_journal in the order of run ids: gives the entries their places in the run's one order
 *   entries     those that came before are left as they are
 *
 * What makes the run newer while it waits (`waits_after`) leaves a wake. The first append of a run marks its row.
 */
const APPEND = `
with call as materialized (
  select * from json_to_recordset($1) as c (
    ord int, environment_id int, execution_id uuid, fence bigint, max_entries bigint, max_bytes bigint)
), gate as materialized (
  select c.*, x.run_id, x.state = 'PARKED' as is_parked, ${IS_UNTOLD} as is_untold
  from call c
  join execution x on x.id = c.execution_id and x.fence = c.fence and x.environment_id = c.environment_id
  for key share of x
), given as materialized (
  select distinct on (g.run_id, e.entry) g.run_id, g.environment_id, e.*, v.value
  from json_to_recordset($2) as e (
    ord int, n int, entry int, kind text, key text, label text, fingerprint text, after int, attempt int, ok boolean,
    value_type text, error jsonb, started_at float8, tries int)
  join unnest($3::bytea[]) with ordinality as v (value, n) on v.n = e.n
  join gate g on g.ord = e.ord
  order by g.run_id, e.entry, e.n
), fresh as materialized (
  select g.*, row_number() over (partition by g.run_id order by g.n)::int as place, ${ENTRY_BYTES("g")} as bytes
  from given g
  where not exists (select 1 from journal_entry j where j.run_id = g.run_id and j.entry = g.entry)
), added as materialized (
  select g.run_id, min(g.environment_id) as environment_id, min(g.max_entries) as max_entries, min(g.max_bytes) as max_bytes,
    (select count(*)::int from fresh f where f.run_id = g.run_id) as n,
    (select coalesce(sum(f.bytes), 0)::bigint from fresh f where f.run_id = g.run_id) as bytes
  from gate g group by g.run_id
), journal as (
  insert into run_journal as j (run_id, environment_id, seq, entries, bytes)
  select a.run_id, a.environment_id, a.n, a.n, a.bytes from added a order by a.run_id
  on conflict (run_id) do update set
    seq = j.seq + excluded.seq, entries = j.entries + excluded.entries, bytes = j.bytes + excluded.bytes
  returning j.run_id, j.environment_id, j.seq, j.entries, j.bytes, j.waits_after
), checked as materialized (
  select j.*, a.n,
    case when a.n > 0 and j.entries > a.max_entries then journal_limit('journalEntries', a.max_entries, j.entries)
         when a.n > 0 and j.bytes > a.max_bytes then journal_limit('journalBytes', a.max_bytes, j.bytes) end as over
  from journal j join added a on a.run_id = j.run_id
), stored as (
  insert into journal_entry as j (run_id, entry, environment_id, kind, key, label, fingerprint, after, attempt, started_at,
    tries, seq, completed_at, ok, value, value_type, error)
  select f.run_id, f.entry, f.environment_id, f.kind, f.key, f.label, f.fingerprint, f.after, f.attempt,
    to_timestamp(f.started_at / 1000), least(f.tries, 32767), c.seq - c.n + f.place, now(), f.ok, f.value, f.value_type, f.error
  from fresh f join checked c on c.run_id = f.run_id
  -- The same call on two connections at once.
  on conflict do nothing
  returning j.run_id, j.entry, j.seq
), marked as (
  update run r set has_journal = true from checked c
  where c.entries = c.n and r.environment_id = c.environment_id and r.id = c.run_id and not r.has_journal
), woken as (
  insert into run_wake (environment_id, run_id)
  select c.environment_id, c.run_id from checked c where c.n > 0 and c.waits_after is not null
), told as (
  -- See held-executions.ts.
  update execution x set park = null from gate g join checked c on c.run_id = g.run_id
  where g.is_untold and c.waits_after is null and x.id = g.execution_id
)
select g.ord, g.run_id, g.is_parked or c.waits_after is not null as is_parked, c.seq, c.n,
  floor(extract(epoch from now()) * 1000)::float8 as at,
  (select json_agg(json_build_array(s.entry, s.seq)) from stored s where s.run_id = g.run_id) as stored
from gate g join checked c on c.run_id = g.run_id`;

interface Row {
  ord: number;
  run_id: string;
  is_parked: boolean;
  /** After this statement. */
  seq: number;
  /** How many entries the statement added to the run. */
  n: number;
  at: number;
  stored: [entry: number, seq: number][] | null;
}

/** All of them or none. Errors: of the database, `journal_limit` among them. In the order of the calls. */
export async function appendDone(pool: pg.Pool, calls: AppendCall[]): Promise<AppendReply[]> {
  const entries = calls.flatMap((call, index) =>
    (call.entries as JournalDone[]).map((done) => ({ ord: index, done, outcome: outcomeOf(done) })),
  );
  const { rows } = await pool.query<Row>({
    name: "journal-append",
    text: APPEND,
    values: [
      JSON.stringify(calls.map(toGate)),
      JSON.stringify(entries.map(({ ord, done, outcome }, index) => toEntry(ord, index + 1, done, outcome))),
      entries.map(({ outcome }) => outcome.value),
    ],
  });
  const found = new Map(rows.map((row) => [row.ord, row]));
  const outcomes = new Map<string, StoredOutcome>();
  for (const { ord, done, outcome } of entries) {
    const key = `${found.get(ord)?.run_id}/${done.entry}`;
    if (!outcomes.has(key)) outcomes.set(key, outcome);
  }
  return Promise.all(
    calls.map(async (call, index) => {
      const row = found.get(index);
      if (row === undefined) return "fenced";
      const state = row.is_parked ? "PARKED" : "RUNNING";
      if (row.seq <= call.known) return { state, completions: [] };
      // Nothing came between what the caller knows and what this statement stored, unless somebody stored it at the same time.
      const isWhole = row.seq - row.n === call.known && (row.stored?.length ?? 0) === row.n;
      const completions = isWhole ? completionsOf(row, outcomes) : await completionsAfter(pool, row.run_id, call.known);
      return { state, completions };
    }),
  );
}

function completionsOf(row: Row, outcomes: Map<string, StoredOutcome>): JournalCompletion[] {
  const stored = [...(row.stored ?? [])].sort((a, b) => a[1] - b[1]);
  return stored.map(([entry, seq]) => {
    const outcome = outcomes.get(`${row.run_id}/${entry}`) as StoredOutcome;
    return {
      entry,
      seq,
      ok: outcome.ok,
      ...(outcome.value === null ? {} : { value: outcome.value.toString("utf8") }),
      ...(outcome.valueType === null ? {} : { valueType: outcome.valueType }),
      ...(outcome.error === undefined ? {} : { error: outcome.error }),
      at: row.at,
    };
  });
}

function toGate({ owner, limits }: AppendCall, ord: number): Record<string, unknown> {
  return {
    ord,
    environment_id: owner.environmentId,
    execution_id: owner.executionId,
    fence: owner.fence,
    max_entries: limits.journalEntries,
    max_bytes: limits.journalBytes,
  };
}

function toEntry(ord: number, n: number, done: JournalDone, outcome: StoredOutcome): Record<string, unknown> {
  const { entry, kind, key, label, fingerprint, after, attempt, ok, startedAt, tries } = done;
  return {
    ord,
    n,
    entry,
    kind,
    key: storableText(key),
    label: storableText(label),
    fingerprint,
    after,
    attempt,
    ok,
    value_type: outcome.valueType,
    error: outcome.error,
    started_at: startedAt,
    tries,
  };
}
