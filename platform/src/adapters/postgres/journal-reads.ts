import type { JournalKind, JournalRecord, JournalSnapshot, WireError } from "@gantry/sdk/contract";
import type pg from "pg";
import { encodeId } from "../../ids.ts";
import {
  type JournalOwner,
  type JournalReply,
  type JournalView,
  VIEWED_VALUE_BYTES,
} from "../../journal/journal-store.ts";
import { IS_UNTOLD, tellToGoOn } from "./held-executions.ts";
import { COMPLETION_COLUMNS, type CompletionRow, completionsAfter, toCompletion } from "./journal-rows.ts";
import { madeAt } from "./run-reads.ts";

/** An append without entries: nothing is written, but that a held worker has been told to go on. */
export async function askJournal(pool: pg.Pool, owner: JournalOwner, known: number): Promise<JournalReply | "fenced"> {
  const { rows } = await pool.query<{ run_id: string; is_parked: boolean; is_untold: boolean; seq: number }>({
    name: "ask-journal",
    text: `select x.run_id, x.state = 'PARKED' as is_parked, ${IS_UNTOLD} as is_untold, coalesce(j.seq, 0) as seq
           from execution x left join run_journal j on j.run_id = x.run_id
           where x.id = $1 and x.fence = $2 and x.environment_id = $3`,
    values: [owner.executionId, owner.fence, owner.environmentId],
  });
  const row = rows[0];
  if (row === undefined) return "fenced";
  // It has ended meanwhile, or waits again.
  if (row.is_untold && !(await tellToGoOn(pool, owner))) return askJournal(pool, owner, known);
  const completions = row.seq > known ? await completionsAfter(pool, row.run_id, known) : [];
  return { state: row.is_parked ? "PARKED" : "RUNNING", completions };
}

interface EntryRow extends Omit<CompletionRow, "seq"> {
  seq: number | null;
  kind: JournalKind;
  key: string;
  label: string;
  fingerprint: string | null;
  after: number;
  attempt: number;
  due: number | null;
  token_id: string | null;
  child_run_id: string | null;
  batch_id: string | null;
  run_seq: number;
}

/** Ids are public ones: the SDK knows no others. */
export async function loadJournal(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
): Promise<JournalSnapshot | undefined> {
  const { rows } = await pool.query<EntryRow>({
    name: "load-journal",
    text: `select g.seq as run_seq, j.kind, j.key, j.label, j.fingerprint, j.after, j.attempt,
             floor(extract(epoch from j.due_at) * 1000)::float8 as due, j.token_id, j.child_run_id, j.batch_id,
             ${COMPLETION_COLUMNS}
           from run_journal g left join journal_entry j on j.run_id = g.run_id
           where g.run_id = $2 and g.environment_id = $1 order by j.entry`,
    values: [environmentId, runId],
  });
  const first = rows[0];
  if (first === undefined) return undefined;
  return { seq: first.run_seq, entries: rows.filter(({ entry }) => entry !== null).map(toRecord) };
}

function toRecord(row: EntryRow): JournalRecord {
  const { entry, kind, key, label, after, attempt, seq } = row;
  return {
    entry,
    kind,
    key,
    label,
    ...(row.fingerprint === null ? {} : { fingerprint: row.fingerprint }),
    after,
    attempt,
    ...(row.due === null ? {} : { dueAt: row.due }),
    ...(row.token_id === null ? {} : { tokenId: encodeId("waitpoint", row.token_id) }),
    ...(row.child_run_id === null ? {} : { childRunId: encodeId("run", row.child_run_id) }),
    ...(row.batch_id === null ? {} : { batchId: encodeId("batch", row.batch_id) }),
    ...(seq === null ? {} : { completion: toCompletion({ ...row, seq }) }),
  };
}

interface ViewRow {
  entry: number;
  kind: string;
  key: string;
  label: string;
  attempt: number;
  opened_at: Date;
  started_at: Date | null;
  tries: number;
  due_at: Date | null;
  token_id: string | null;
  child_run_id: string | null;
  batch_id: string | null;
  completed_at: Date | null;
  ok: boolean | null;
  value: Buffer | null;
  value_type: string | null;
  value_bytes: number | null;
  error: WireError | null;
}

const VIEW = `j.entry, j.kind, j.key, j.label, j.attempt, j.opened_at, j.started_at, j.tries, j.due_at, j.token_id,
  j.child_run_id, j.batch_id, j.completed_at, j.ok, substring(j.value from 1 for ${VIEWED_VALUE_BYTES}) as value,
  j.value_type, octet_length(j.value) as value_bytes, j.error`;

/** Where it is being moved at this moment, it is in the one place or in the other. */
export async function viewJournal(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
  after: number,
  limit: number,
): Promise<JournalView[] | undefined> {
  const { rows } = await pool.query<ViewRow & { entry: number | null }>({
    name: "view-journal",
    text: `
      with known as materialized (
        select 1 from run r where r.environment_id = $1 and r.id = $2
        union all
        select 1 from run_history h where h.environment_id = $1 and h.id = $2 and h.finished_at >= $3
      )
      select v.* from (select 1 from known limit 1) k left join lateral (
        select * from (
          (select ${VIEW} from journal_entry j
           where j.run_id = $2 and j.environment_id = $1 and j.entry >= $4 order by j.entry limit $5)
          union all
          (select ${VIEW} from journal_history j
           where j.run_id = $2 and j.environment_id = $1 and j.finished_at >= $3 and j.entry >= $4 order by j.entry limit $5)
        ) b order by b.entry limit $5
      ) v on true order by v.entry`,
    values: [environmentId, runId, madeAt(runId), after, limit],
  });
  if (rows.length === 0) return undefined;
  return rows.filter(({ entry }) => entry !== null).map(toView);
}

function toView(row: ViewRow): JournalView {
  return {
    entry: row.entry,
    kind: row.kind,
    key: row.key,
    label: row.label,
    attempt: row.attempt,
    openedAt: row.opened_at,
    startedAt: row.started_at ?? undefined,
    tries: row.tries,
    dueAt: row.due_at ?? undefined,
    tokenId: row.token_id ?? undefined,
    childRunId: row.child_run_id ?? undefined,
    batchId: row.batch_id ?? undefined,
    completedAt: row.completed_at ?? undefined,
    ok: row.ok ?? undefined,
    value: row.value ?? undefined,
    valueType: row.value_type ?? undefined,
    valueBytes: row.value_bytes ?? undefined,
    error: row.error ?? undefined,
  };
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** See JournalStore.news. One that is PARKED is told when it has its slot. */
export async function journalNews(
  pool: pg.Pool,
  executions: { executionId: string; known: number; isParked: boolean }[],
): Promise<string[]> {
  const asked = executions.filter(({ executionId }) => UUID.test(executionId));
  if (asked.length === 0) return [];
  const { rows } = await pool.query<{ id: string }>({
    name: "journal-news",
    text: `select x.id from unnest($1::uuid[], $2::int[], $3::bool[]) as a (id, known, is_parked)
           join execution x on x.id = a.id and x.state = 'RUNNING'
           left join run_journal j on j.run_id = x.run_id
           where a.is_parked or j.seq > a.known`,
    values: [
      asked.map(({ executionId }) => executionId),
      asked.map(({ known }) => Math.min(known, 2_147_483_647)),
      asked.map(({ isParked }) => isParked),
    ],
  });
  return rows.map((row) => row.id);
}
