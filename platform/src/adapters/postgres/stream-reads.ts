import type { StreamChunk, StreamDirection } from "@gantry/sdk/contract";
import type pg from "pg";
import type { StoredStream, StreamLook, StreamRef } from "../../streams/stream.ts";
import { madeAt } from "./run-reads.ts";
import { splitChunks } from "./stream-append.ts";

/** Appends that one read looks at. */
const BATCHES = 500;

/**
 * Chunks and the run's life are seen in one snapshot, and a run cannot end while a stream of its is written: one that has ended
 * here has no chunk more than these.
 */
export async function lookAtStreams(pool: pg.Pool, streams: readonly StreamRef[]): Promise<(StreamLook | undefined)[]> {
  if (streams.length === 0) return [];
  const { rows } = await pool.query<{ id: string | null; chunks: number; is_ended: boolean; is_known: boolean }>({
    name: "look-at-streams",
    text: `select s.id, coalesce(s.chunks, 0) as chunks, r.id is null or s.ended_at is not null as is_ended,
             r.id is not null or exists (
               select 1 from run_history h where h.environment_id = w.environment_id and h.id = w.run_id
                 and h.finished_at >= w.made_at) as is_known
           from unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) with ordinality
             as w (environment_id, run_id, direction, name, made_at, n)
           left join stream s on s.environment_id = w.environment_id and s.run_id = w.run_id
             and s.direction = w.direction and s.name = w.name
           left join run r on r.environment_id = w.environment_id and r.id = w.run_id
           order by w.n`,
    values: [
      streams.map((stream) => stream.environmentId),
      streams.map((stream) => stream.runId),
      streams.map((stream) => stream.direction),
      streams.map((stream) => stream.name),
      streams.map((stream) => madeAt(stream.runId)),
    ],
  });
  return rows.map((row) =>
    row.is_known ? { streamId: row.id ?? undefined, next: row.chunks, isEnded: row.is_ended } : undefined,
  );
}

export async function readStream(
  pool: pg.Pool,
  streamId: string,
  from: number,
  maxBytes: number,
): Promise<StreamChunk[]> {
  const { rows } = await pool.query<{ first_index: number; chunks: Buffer; attempt: number | null; stored_at: Date }>({
    name: "read-stream",
    text: `select first_index, chunks, attempt, stored_at from (
             select b.*, sum(octet_length(chunks)) over (order by first_index) - octet_length(chunks) as before
             from (select * from stream_batch where stream_id = $1 and first_index >= coalesce(
                     (select max(first_index) from stream_batch where stream_id = $1 and first_index <= $2), 0)
                   order by first_index limit ${BATCHES}) b
           ) x where before < $3 order by first_index`,
    values: [streamId, from, maxBytes],
  });
  const chunks = rows.flatMap(({ first_index: first, chunks, attempt, stored_at: storedAt }) => {
    const at = storedAt.toISOString();
    const rest = attempt === null ? { at } : { at, attempt };
    return splitChunks(chunks).map((data, index): StreamChunk => ({ index: first + index, data, ...rest }));
  });
  return chunks.filter(({ index }) => index >= from);
}

interface Row {
  name: string;
  direction: StreamDirection;
  chunks: number;
  bytes: string;
  is_ended: boolean;
  created_at: Date;
  updated_at: Date;
}

export async function listStreams(
  pool: pg.Pool,
  environmentId: number,
  runId: string,
): Promise<StoredStream[] | undefined> {
  const { rows } = await pool.query<Row & { is_live: boolean }>({
    name: "list-streams",
    text: `with r as (select exists (select 1 from run where environment_id = $1 and id = $2) as is_live)
           select s.name, s.direction, s.chunks, s.bytes, s.created_at, s.updated_at, r.is_live,
             s.ended_at is not null or not r.is_live as is_ended
           from r left join stream s on s.environment_id = $1 and s.run_id = $2 order by s.id`,
    values: [environmentId, runId],
  });
  const streams = rows.filter((row) => row.name !== null).map(toStream);
  if (streams.length > 0 || rows[0]?.is_live === true) return streams;
  const { rowCount } = await pool.query({
    name: "run-has-ended",
    text: "select 1 from run_history where environment_id = $1 and id = $2 and finished_at >= $3",
    values: [environmentId, runId, madeAt(runId)],
  });
  return rowCount === 0 ? undefined : [];
}

function toStream(row: Row): StoredStream {
  return {
    name: row.name,
    direction: row.direction,
    chunks: row.chunks,
    bytes: Number(row.bytes),
    isEnded: row.is_ended,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
