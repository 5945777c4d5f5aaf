import type pg from "pg";
import { decodeId, encodeId } from "../../ids.ts";
import { keyOf, type LiveReads, type RunRef, type RunSet, type WantedRun } from "../../runs/live-reads.ts";
import type { RunDetail } from "../../runs/run.ts";
import { ENDED, LIVE, madeAt, NAMES, type RunRow, SHOWN, toDetail } from "./run-reads.ts";

/** What is longer than this is linked to (http/run-view.ts), so it need not be read. */
const INLINE_BYTES = 128 * 1024;
/** Stands for what was not read: only its length counts. */
const LARGE = Buffer.alloc(INLINE_BYTES + 1);

export function createLiveReads(pool: pg.Pool): LiveReads {
  return {
    read: (wanted) => readRuns(pool, wanted),
    revisions: (runs) => readRevisions(pool, runs),
    members: (environmentId, set, limit) => readMembers(pool, environmentId, set, limit),
    async hasBatch(environmentId, batchId) {
      const { rowCount } = await pool.query({
        name: "live-has-batch",
        text: "select 1 from batch where environment_id = $1 and id = $2",
        values: [environmentId, decodeId("batch", batchId)],
      });
      return rowCount === 1;
    },
  };
}

type LiveRow = RunRow & {
  environment_id: number;
  payload_bytes: number | null;
  output_bytes: number | null;
};

const small = (column: string) => `case when octet_length(${column}) <= ${INLINE_BYTES} then ${column} end`;
const WANTED = `with wanted as (
  select * from unnest($1::int[], $2::uuid[], $3::timestamptz[], $4::bool[], $5::bool[])
    as w (environment_id, id, made_at, with_payload, is_whole))`;
const PAYLOAD = `case when w.with_payload then ${small("r.payload")} end as payload, r.payload_type,
  case when w.with_payload then octet_length(r.payload) end as payload_bytes`;
const STATEMENTS = {
  live: `${WANTED}, x as (
      select ${LIVE}, ${PAYLOAD}, null::bytea as output, null::int as output_bytes
      from wanted w join run r on r.environment_id = w.environment_id and r.id = w.id
      where $4::bool[] is not null
    ) select ${SHOWN} from x ${NAMES}`,
  // A run cannot have ended before it was made: of each only younger partitions are asked.
  ended: `${WANTED}, x as (
      select ${ENDED}, ${PAYLOAD}, case when w.is_whole then ${small("r.output")} end as output,
        case when w.is_whole then octet_length(r.output) end as output_bytes
      from wanted w join run_history r
        on r.environment_id = w.environment_id and r.id = w.id and r.finished_at >= w.made_at
    ) select ${SHOWN} from x ${NAMES}`,
} as const;

/** Two looks: a run that is not among the live ones by then has ended before the second. */
async function readRuns(pool: pg.Pool, wanted: readonly WantedRun[]): Promise<Map<string, RunDetail>> {
  const found = new Map<string, RunDetail>();
  for (const which of ["live", "ended"] as const) {
    const missing = wanted.filter((one) => !found.has(keyOf(one)));
    if (missing.length === 0) break;
    const ids = missing.map(({ runId }) => decodeId("run", runId) as string);
    const { rows } = await pool.query<LiveRow>({
      name: `live-read-${which}`,
      text: STATEMENTS[which],
      values: [
        missing.map(({ environmentId }) => environmentId),
        ids,
        ids.map(madeAt),
        missing.map(({ withPayload }) => withPayload),
        missing.map(({ isWhole }) => isWhole),
      ],
    });
    for (const row of rows) {
      const run = toDetail(withLarge(row));
      found.set(keyOf({ environmentId: row.environment_id, runId: run.id }), run);
    }
  }
  return found;
}

function withLarge(row: LiveRow): LiveRow {
  const isLarge = (bytes: number | null) => bytes !== null && bytes > INLINE_BYTES;
  if (isLarge(row.payload_bytes)) row.payload = LARGE;
  if (isLarge(row.output_bytes)) row.output = LARGE;
  return row;
}

async function readRevisions(pool: pg.Pool, runs: readonly RunRef[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const which of ["live", "ended"] as const) {
    const missing = runs.filter((one) => !found.has(keyOf(one)));
    if (missing.length === 0) break;
    const ids = missing.map(({ runId }) => decodeId("run", runId) as string);
    const { rows } = await pool.query<{ environment_id: number; id: string; revision: number }>({
      name: `live-revisions-${which}`,
      text: `select r.environment_id, r.id, r.revision
             from unnest($1::int[], $2::uuid[], $3::timestamptz[]) as w (environment_id, id, made_at)
             join ${which === "live" ? "run" : "run_history"} r on r.environment_id = w.environment_id and r.id = w.id
             ${which === "live" ? "where $3::timestamptz[] is not null" : "and r.finished_at >= w.made_at"}`,
      values: [missing.map(({ environmentId }) => environmentId), ids, ids.map(madeAt)],
    });
    for (const row of rows)
      found.set(keyOf({ environmentId: row.environment_id, runId: encodeId("run", row.id) }), row.revision);
  }
  return found;
}

async function readMembers(
  pool: pg.Pool,
  environmentId: number,
  set: RunSet,
  limit: number,
): Promise<{ runId: string; revision: number }[]> {
  const { condition, ended, values } = membership(set);
  const { rows } = await pool.query<{ id: string; revision: number }>({
    name: `live-members-${set.kind}`,
    text: `
      with x as (
        (select r.id, r.revision from run r where r.environment_id = $1 and ${condition} order by r.id desc limit $2)
        union all
        (select r.id, r.revision from run_history r where r.environment_id = $1 and ${condition} ${ended}
         order by r.id desc limit $2)
      )
      select id, revision from x order by id desc limit $2`,
    values: [environmentId, limit, ...values],
  });
  return rows.map((row) => ({ runId: encodeId("run", row.id), revision: row.revision }));
}

function membership(set: RunSet): { condition: string; ended: string; values: unknown[] } {
  switch (set.kind) {
    case "environment":
      return { condition: "true", ended: "", values: [] };
    case "batch":
      return {
        condition: "r.id in (select i.run_id from batch_item i where i.batch_id = $3)",
        ended: "",
        values: [decodeId("batch", set.batchId)],
      };
    case "tag":
      return {
        condition: "r.tags <> '{}' and r.tags @> $3::text[] and r.created_at >= $4",
        ended: "and r.finished_at >= $4",
        values: [set.tags, set.createdAfter],
      };
  }
}
