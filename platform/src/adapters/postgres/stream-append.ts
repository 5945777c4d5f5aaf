import type { Limits } from "@gantry/sdk/contract";
import type pg from "pg";
import { type AppendFacts, decideAppend } from "../../streams/append-policy.ts";
import type { Append, Appended, StreamRef, WritingExecution } from "../../streams/stream.ts";
import type { Refused } from "../../streams/stream-store.ts";

/** Rolls back whatever the transaction did, and says why. */
export class StreamRefusal extends Error {
  readonly answer: Refused;
  constructor(answer: Refused) {
    super("refused");
    this.answer = answer;
  }
}

/**
 * Makes sure that the run lives, and that the execution is its own, until the transaction has ended.
 *
 * Errors: StreamRefusal.
 */
export async function demandWriter(
  client: pg.PoolClient,
  { environmentId, runId }: StreamRef,
  writer: WritingExecution | undefined,
): Promise<void> {
  if (writer !== undefined) {
    const { rowCount } = await client.query({
      name: "stream-writer",
      text: "select 1 from execution where id = $1 and fence = $2 and run_id = $3 and environment_id = $4 for key share",
      values: [writer.executionId, writer.fence, writer.runId, environmentId],
    });
    if (rowCount === 0) throw new StreamRefusal({ refused: "FENCED" });
    if (writer.runId === runId) return;
  }
  const { rowCount } = await client.query({
    name: "stream-run",
    text: "select 1 from run where environment_id = $1 and id = $2 for key share",
    values: [environmentId, runId],
  });
  if (rowCount === 0) throw new StreamRefusal({ refused: "RUN_ENDED" });
}

/** The row of a stream, locked. */
export interface HeldStream {
  id: string;
  chunks: number;
  bytes: number;
  taken: number;
  isEnded: boolean;
  endedAttempt: number | undefined;
}

interface Row {
  id: string;
  chunks: number;
  bytes: string;
  taken: number;
  is_ended: boolean;
  ended_attempt: number | null;
}

export async function lockStream(client: pg.PoolClient, stream: StreamRef): Promise<HeldStream | undefined> {
  const { rows } = await client.query<Row>({
    name: "lock-stream",
    text: `select id, chunks, bytes, taken, ended_at is not null as is_ended, ended_attempt from stream
           where environment_id = $1 and run_id = $2 and direction = $3 and name = $4 for update`,
    values: [stream.environmentId, stream.runId, stream.direction, stream.name],
  });
  return rows[0] === undefined ? undefined : toHeld(rows[0]);
}

/** A new one, locked, and how many the run has already; or the one that somebody made meanwhile. */
async function makeStream(client: pg.PoolClient, stream: StreamRef): Promise<{ held: HeldStream; streams: number }> {
  const { environmentId, runId, direction, name } = stream;
  // Streams of a run are counted one after the other: two new ones at once are not one too many.
  await client.query("select pg_advisory_xact_lock(hashtextextended($1, 7))", [`${runId} ${direction}`]);
  const { rows } = await client.query<Row & { streams: number }>({
    name: "make-stream",
    text: `with known as (
             select count(*)::int as streams from stream
             where environment_id = $1 and run_id = $2 and direction = $3 and name <> $4
           )
           insert into stream as s (environment_id, run_id, direction, name) values ($1, $2, $3, $4)
           on conflict (environment_id, run_id, direction, name) do update set name = excluded.name
           returning s.id, s.chunks, s.bytes, s.taken, s.ended_at is not null as is_ended, s.ended_attempt,
             (select streams from known) as streams`,
    values: [environmentId, runId, direction, name],
  });
  const row = rows[0] as Row & { streams: number };
  return { held: toHeld(row), streams: row.streams };
}

function toHeld(row: Row): HeldStream {
  return {
    id: row.id,
    chunks: row.chunks,
    bytes: Number(row.bytes),
    taken: row.taken,
    isEnded: row.is_ended,
    endedAttempt: row.ended_attempt ?? undefined,
  };
}

/** `held` is undefined where the stream was not there when it was to be locked. Errors: StreamRefusal. */
export async function appendChunks(
  client: pg.PoolClient,
  { stream, held, append, limits }: { stream: StreamRef; held: HeldStream | undefined; append: Append; limits: Limits },
): Promise<Appended & { held: HeldStream }> {
  const made = held === undefined ? await makeStream(client, stream) : { held, streams: 0 };
  // One that somebody made between the two statements is no new one.
  const isNew = held === undefined && made.held.chunks === 0 && !made.held.isEnded;
  const known = await producerFacts(client, made.held.id, append);
  const facts: AppendFacts = { ...known, stream: isNew ? undefined : made.held, streams: made.streams };
  const decision = decideAppend(facts, append, limits);
  if (!decision.store) throw new StreamRefusal({ refused: decision });
  const fresh = decision.fresh.length;
  const sequence = Math.max(known.sequence, append.sequence + append.chunks.length);
  const isEnded = append.ends || (made.held.isEnded && !decision.opens);
  if (fresh > 0 || isEnded !== made.held.isEnded) {
    await write(
      client,
      made.held,
      { ...append, chunks: decision.fresh, sequence: sequence - fresh },
      decision.bytes,
      isEnded,
    );
  }
  return { next: made.held.chunks + fresh, sequence, isEnded, held: made.held };
}

async function producerFacts(
  client: pg.PoolClient,
  streamId: string,
  { producer, sequence, chunks }: Append,
): Promise<Pick<AppendFacts, "sequence" | "again">> {
  const { rows } = await client.query<{ sequence: number }>({
    name: "stream-producer",
    text: "select sequence from stream_producer where stream_id = $1 and producer = $2",
    values: [streamId, producer],
  });
  const stored = rows[0]?.sequence ?? 0;
  const count = Math.min(stored - sequence, chunks.length);
  return { sequence: stored, again: count > 0 ? await storedBy(client, streamId, producer, sequence, count) : [] };
}

/** `count` chunks of a producer from the `from`th on. */
async function storedBy(
  client: pg.PoolClient,
  streamId: string,
  producer: string,
  from: number,
  count: number,
): Promise<string[]> {
  const { rows } = await client.query<{ sequence: number; chunks: Buffer }>({
    name: "stream-stored-by",
    text: `select sequence, chunks from stream_batch
           where stream_id = $1 and producer = $2 and sequence < $3
             and sequence >= (select coalesce(max(sequence), 0) from stream_batch
                              where stream_id = $1 and producer = $2 and sequence <= $4)
           order by sequence`,
    values: [streamId, producer, from + count, from],
  });
  const first = rows[0]?.sequence ?? from;
  return rows.flatMap((row) => splitChunks(row.chunks)).slice(from - first, from - first + count);
}

export function splitChunks(stored: Buffer): string[] {
  const lines = stored.toString("utf8").split("\n");
  lines.pop();
  return lines;
}

async function write(
  client: pg.PoolClient,
  held: HeldStream,
  { producer, sequence, chunks, attempt }: Append,
  bytes: number,
  isEnded: boolean,
): Promise<void> {
  await client.query({
    name: "write-stream",
    text: `with grown as (
             update stream set chunks = chunks + $2, bytes = bytes + $3, updated_at = clock_timestamp(),
               ended_at = case when $4 then coalesce(ended_at, clock_timestamp()) end,
               ended_attempt = case when $4 then coalesce($5::smallint, ended_attempt) end
             where id = $1
           ), known as (
             insert into stream_producer as p (stream_id, producer, sequence) select $1, $6, $7 + $2 where $2 > 0
             on conflict (stream_id, producer) do update set sequence = excluded.sequence
           )
           insert into stream_batch (stream_id, first_index, chunks, producer, sequence, attempt, stored_at)
           select $1, $8, $9, $6, $7, $5, clock_timestamp() where $2 > 0`,
    values: [
      held.id,
      chunks.length,
      bytes,
      isEnded,
      attempt ?? null,
      producer,
      sequence,
      held.chunks,
      Buffer.from(chunks.map((chunk) => `${chunk}\n`).join(""), "utf8"),
    ],
  });
}
