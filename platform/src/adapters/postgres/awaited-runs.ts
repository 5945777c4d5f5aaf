import { DEFAULT_LIMITS, type WireError } from "@gantry/sdk/contract";
import type pg from "pg";
import { encodeId, uuidTime } from "../../ids.ts";
import type { StoredOutcome } from "./journal-rows.ts";

/** What waits get from runs that others wait for: children, and the items of batches. */

/**
 * Marks live runs, so that their end leaves a settlement. Holds no lock while it waits for another: what is locked is passed
 * over first, and then waited for alone. A mark that nobody needs is harmless.
 */
export async function markAwaited(pool: pg.Pool, environmentId: number, runIds: string[]): Promise<void> {
  for (;;) {
    await pool.query({
      name: "mark-awaited",
      text: `update run r set awaited = true where r.environment_id = $1 and r.id = any (array(
               select q.id from run q where q.environment_id = $1 and q.id = any ($2::uuid[]) and not q.awaited
               for no key update skip locked))`,
      values: [environmentId, runIds],
    });
    const { rows } = await pool.query<{ id: string }>({
      name: "mark-awaited-left",
      text: `select r.id from run r where r.environment_id = $1 and r.id = any ($2::uuid[]) and not r.awaited limit 1`,
      values: [environmentId, runIds],
    });
    const left = rows[0];
    if (left === undefined) return;
    await markOne(pool, environmentId, left.id);
  }
}

/** A finish that is under way is waited for; a later one sees the mark once this is committed. False: it is not live. */
export async function markOne(client: pg.Pool | pg.PoolClient, environmentId: number, runId: string): Promise<boolean> {
  const { rowCount } = await client.query({
    name: "mark-one-awaited",
    text: "update run set awaited = true where environment_id = $1 and id = $2",
    values: [environmentId, runId],
  });
  return rowCount === 1;
}

export async function liveRuns(client: pg.PoolClient, environmentId: number, runIds: string[]): Promise<Set<string>> {
  const { rows } = await client.query<{ id: string }>({
    name: "live-runs",
    text: "select id from run where environment_id = $1 and id = any ($2::uuid[])",
    values: [environmentId, runIds],
  });
  return new Set(rows.map((row) => row.id));
}

export interface EndedRun extends StoredOutcome {
  id: string;
  taskId: string;
}

interface EndedRow {
  id: string;
  task_id: string;
  status: string;
  output: Buffer | null;
  output_type: string | null;
  error: WireError | null;
  cancel_reason: string | null;
}

const DAY_MS = 24 * 3600_000;

/** How runs ended; those that have not are not in the answer. */
export async function endedRuns(
  client: pg.PoolClient,
  environmentId: number,
  runIds: string[],
): Promise<Map<string, EndedRun>> {
  if (runIds.length === 0) return new Map();
  // Partitions by the day a run ended: no run ends before it was made.
  const since = new Date(Math.min(...runIds.map(uuidTime)) - DAY_MS);
  const { rows } = await client.query<EndedRow>({
    name: "ended-runs",
    text: `select h.id, h.task_id, h.status::text, h.output, h.output_type, h.error, h.cancel_reason
           from run_history h where h.environment_id = $1 and h.id = any ($2::uuid[]) and h.finished_at >= $3`,
    values: [environmentId, runIds, since],
  });
  return new Map(rows.map((row) => [row.id, { id: row.id, taskId: row.task_id, ...outcomeOfRun(row) }]));
}

function outcomeOfRun(row: EndedRow): StoredOutcome {
  if (row.status === "COMPLETED") return { ok: true, value: row.output, valueType: row.output_type, error: undefined };
  return { ok: false, value: null, valueType: null, error: row.error ?? endedError(row) };
}

function endedError({ id, status, cancel_reason: reason }: EndedRow): WireError {
  const because = reason === null ? "" : `: ${reason}`;
  return { name: "RunEndedError", code: status, message: `Run ${encodeId("run", id)} ended as ${status}${because}.` };
}

/** A run that nobody knows any more: its history is kept for a while only. */
export const goneError = (runId: string): WireError => ({
  name: "RunEndedError",
  code: "RUN_NOT_FOUND",
  message: `Run ${encodeId("run", runId)} is not known, or was removed.`,
});

interface Item {
  item: number;
  run_id: string | null;
  error: { code: string; message: string } | null;
}

/** What a wait for a batch gets: JSON text, see JournalCompletion.value. All its runs have ended. */
export async function batchOutcome(
  client: pg.PoolClient,
  environmentId: number,
  batchId: string,
): Promise<StoredOutcome> {
  const { rows } = await client.query<Item>({
    name: "batch-outcome-items",
    text: "select item, run_id, error from batch_item where batch_id = $1 order by item",
    values: [batchId],
  });
  const runIds = rows.flatMap((row) => row.run_id ?? []);
  const bytes = await outputBytes(client, environmentId, runIds);
  if (bytes > DEFAULT_LIMITS.journalBytes) {
    return { ok: false, value: null, valueType: null, error: tooLarge(rows.length, bytes) };
  }
  const ended = await endedRuns(client, environmentId, runIds);
  const results = rows.map((row) => itemResult(row, row.run_id === null ? undefined : ended.get(row.run_id)));
  return {
    ok: true,
    value: Buffer.from(JSON.stringify(results), "utf8"),
    valueType: "application/json",
    error: undefined,
  };
}

/** Of all these runs together: known before they are read, since no process could hold a thousand of the largest. */
async function outputBytes(client: pg.PoolClient, environmentId: number, runIds: string[]): Promise<number> {
  if (runIds.length === 0) return 0;
  const { rows } = await client.query<{ bytes: string | null }>({
    name: "batch-output-bytes",
    text: `select sum(octet_length(h.output)) as bytes from run_history h
           where h.environment_id = $1 and h.id = any ($2::uuid[]) and h.finished_at >= $3`,
    values: [environmentId, runIds, new Date(Math.min(...runIds.map(uuidTime)) - DAY_MS)],
  });
  return Number(rows[0]?.bytes ?? 0);
}

const tooLarge = (runs: number, bytes: number): WireError => ({
  name: "JournalLimitError",
  code: "JOURNAL_LIMIT",
  message: `The outputs of the batch's ${runs} runs have ${bytes} bytes together; the limit (journalBytes) is ${DEFAULT_LIMITS.journalBytes}. Return references to what is large, or wait for fewer runs at a time.`,
});

function itemResult({ run_id: runId, error }: Item, ended: EndedRun | undefined): Record<string, unknown> {
  if (runId === null)
    return {
      id: "",
      taskIdentifier: "",
      ok: false,
      error: { name: "TriggerError", ...(error ?? { message: "It was not triggered." }) },
    };
  const id = encodeId("run", runId);
  if (ended === undefined) return { id, taskIdentifier: "", ok: false, error: goneError(runId) };
  const { taskId: taskIdentifier, ok, value, valueType, error: why } = ended;
  if (!ok) return { id, taskIdentifier, ok, error: why };
  if (value === null) return { id, taskIdentifier, ok };
  return { id, taskIdentifier, ok, output: value.toString("utf8"), outputType: valueType ?? undefined };
}
