import type pg from "pg";
import { type JournalView, VIEWED_VALUE_BYTES } from "../../journal/journal-store.ts";
import { madeAt } from "./run-reads.ts";

interface Row {
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
  error: unknown;
}

const SHOWN = `j.entry, j.kind, j.key, j.label, j.attempt, j.opened_at, j.started_at, j.tries, j.due_at, j.token_id,
  j.child_run_id, j.batch_id, j.completed_at, j.ok, substring(j.value from 1 for ${VIEWED_VALUE_BYTES}) as value,
  j.value_type, octet_length(j.value) as value_bytes, j.error`;

/** See JournalStore.view. A run that has ended may still have its journal among the live ones. */
export async function viewJournal(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
  after: number,
  limit: number,
): Promise<JournalView[] | undefined> {
  const youngest = madeAt(runId);
  const { rows } = await pool.query<Row>({
    name: "view-journal",
    text: `
      (select ${SHOWN} from journal_entry j where j.environment_id = $1 and j.run_id = $2 and j.entry >= $3
       order by j.entry limit $4)
      union all
      (select ${SHOWN} from journal_history j
       where j.environment_id = $1 and j.run_id = $2 and j.entry >= $3 and j.finished_at >= $5 order by j.entry limit $4)
      order by entry limit $4`,
    values: [environmentId, runId, after, limit, youngest],
  });
  if (rows.length > 0) return rows.map(toView);
  const { rows: known } = await pool.query({
    name: "is-run-known",
    text: `select 1 from run where environment_id = $1 and id = $2
           union all select 1 from run_history where environment_id = $1 and id = $2 and finished_at >= $3 limit 1`,
    values: [environmentId, runId, youngest],
  });
  return known.length === 0 ? undefined : [];
}

function toView(row: Row): JournalView {
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
