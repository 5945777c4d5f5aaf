import type { JournalAppend, JournalCompletion, JournalDone, WireError } from "@gantry/sdk/contract";
import type pg from "pg";
import { AppError } from "../../errors.ts";
import type { JournalLimits, JournalOwner, JournalReply } from "../../journal/journal-store.ts";
import { jsonSafe } from "./storable-text.ts";

/** What an entry counts towards the limit `journalBytes`. */
export const ENTRY_BYTES = (row: string) =>
  `(octet_length(${row}.key) + octet_length(${row}.label) + coalesce(octet_length(${row}.value), 0)
     + coalesce(octet_length(${row}.error::text), 0))`;

/** One call of JournalStore.append. */
export interface AppendCall {
  owner: JournalOwner;
  known: number;
  entries: JournalAppend[];
  limits: JournalLimits;
}
export type AppendReply = JournalReply | "fenced";

/** How an entry was completed where it is stored; kept as the one who appended it gets it back. */
export interface StoredOutcome {
  ok: boolean;
  value: Buffer | null;
  valueType: string | null;
  error: WireError | undefined;
}

export function outcomeOf(done: JournalDone): StoredOutcome {
  return {
    ok: done.ok,
    value: done.value === undefined ? null : Buffer.from(done.value, "utf8"),
    valueType: done.valueType ?? null,
    error: jsonSafe(done.error),
  };
}

export interface CompletionRow {
  entry: number;
  seq: number;
  ok: boolean;
  value: Buffer | null;
  value_type: string | null;
  error: WireError | null;
  at: number;
}

export const COMPLETION_COLUMNS = `j.entry, j.seq, j.ok, j.value, j.value_type, j.error,
  floor(extract(epoch from j.completed_at) * 1000)::float8 as at`;

export function toCompletion(row: CompletionRow): JournalCompletion {
  return {
    entry: row.entry,
    seq: row.seq,
    ok: row.ok,
    ...(row.value === null ? {} : { value: row.value.toString("utf8") }),
    ...(row.value_type === null ? {} : { valueType: row.value_type }),
    ...(row.error === null ? {} : { error: row.error }),
    at: row.at,
  };
}

export async function completionsAfter(
  client: pg.Pool | pg.PoolClient,
  runId: string,
  known: number,
): Promise<JournalCompletion[]> {
  const { rows } = await client.query<CompletionRow>({
    name: "completions-after",
    text: `select ${COMPLETION_COLUMNS} from journal_entry j where j.run_id = $1 and j.seq > $2 order by j.seq`,
    values: [runId, known],
  });
  return rows.map(toCompletion);
}

/** Errors: JOURNAL_LIMIT where one value is too large. */
export function checkValues(entries: JournalAppend[], limits: JournalLimits): void {
  for (const entry of entries) {
    if (entry.type !== "done" || entry.value === undefined) continue;
    const bytes = Buffer.byteLength(entry.value, "utf8");
    if (bytes > limits.journalValueBytes)
      throw journalLimit("journalValueBytes", limits.journalValueBytes, bytes, `The value of "${entry.label}"`);
  }
}

/** SQLSTATE of the database's function `journal_limit`. */
const OVER_LIMIT = "54J01";

/** An error of the database's own limits as the one that names them. */
export function asJournalError(error: unknown): unknown {
  const { code, detail } = error as { code?: unknown; detail?: unknown };
  if (code !== OVER_LIMIT || typeof detail !== "string") return error;
  const { limit, max, value } = JSON.parse(detail) as {
    limit: "journalEntries" | "journalBytes";
    max: number;
    value: number;
  };
  return journalLimit(limit, max, value, "The run's journal");
}

function journalLimit(limit: keyof JournalLimits, max: number, value: number, what: string): AppError {
  const [unit, verb] = limit === "journalEntries" ? ["entries", "would have"] : ["bytes", "would take"];
  return new AppError("JOURNAL_LIMIT", `${what} ${verb} ${value} ${unit}; the limit ${limit} is ${max}.`, {
    details: { limit, max, value },
  });
}

/** Two transactions waited for each other, and this one was ended: it had no effect. */
export async function againAfterDeadlock<T>(work: () => Promise<T>, tries = 3): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if ((error as { code?: unknown }).code !== "40P01" || tries <= 1) throw error;
    return againAfterDeadlock(work, tries - 1);
  }
}
