import type { Limits } from "@gantry/sdk/contract";
import type pg from "pg";
import type { StreamRef, WritingExecution } from "../../streams/stream.ts";
import type { Sent } from "../../streams/stream-store.ts";
import type { WaitpointRequest } from "../../waitpoints/waitpoint.ts";
import { appendChunks, demandWriter, type HeldStream, lockStream, splitChunks } from "./stream-append.ts";
import { completeWaitpoint, insertWaitpoint } from "./waitpoints.ts";

/** A message is a producer of one chunk: its id is what keeps it from being stored twice. */
export async function sendMessage(
  client: pg.PoolClient,
  stream: StreamRef,
  { id, chunk }: { id: string; chunk: string },
  limits: Limits,
): Promise<Sent> {
  await demandWriter(client, stream, undefined);
  const before = await lockStream(client, stream);
  const known = before === undefined ? undefined : await indexOf(client, before.id, id);
  if (known !== undefined) return { index: known, isTaken: false };
  const append = { producer: id, sequence: 0, chunks: [chunk], ends: false };
  const { next, held } = await appendChunks(client, { stream, held: before, append, limits });
  const index = next - 1;
  const message = { index, data: chunk };
  const isTaken = held.taken === index && (await giveToOldestWait(client, stream.environmentId, held, message));
  return { index, isTaken };
}

async function indexOf(client: pg.PoolClient, streamId: string, producer: string): Promise<number | undefined> {
  const { rows } = await client.query<{ first_index: number }>({
    name: "stream-message-index",
    text: `select b.first_index from stream_producer p join stream_batch b on b.stream_id = p.stream_id and b.producer = p.producer
           where p.stream_id = $1 and p.producer = $2`,
    values: [streamId, producer],
  });
  return rows[0]?.first_index;
}

interface Message {
  index: number;
  /** JSON text. */
  data: string;
}

/** Waits whose token has ended meanwhile (its time was over, say) are passed over. */
async function giveToOldestWait(
  client: pg.PoolClient,
  environmentId: number,
  held: HeldStream,
  message: Message,
): Promise<boolean> {
  for (;;) {
    const { rows } = await client.query<{ token_id: string }>({
      name: "oldest-stream-wait",
      text: `delete from stream_wait where stream_id = $1
               and id = (select min(id) from stream_wait where stream_id = $1) returning token_id`,
      values: [held.id],
    });
    const tokenId = rows[0]?.token_id;
    if (tokenId === undefined) return false;
    if (await give(client, environmentId, held.id, tokenId, message)) return true;
  }
}

/** False where the token had ended. */
async function give(
  client: pg.PoolClient,
  environmentId: number,
  streamId: string,
  tokenId: string,
  { index, data }: Message,
): Promise<boolean> {
  const output = { data: Buffer.from(`{"index":${index},"data":${data}}`, "utf8"), type: "application/json" };
  const completion = await completeWaitpoint(client, environmentId, tokenId, output);
  if (completion?.isFirst !== true) return false;
  await client.query({
    name: "take-stream-message",
    text: "update stream set taken = $2 where id = $1",
    values: [streamId, index + 1],
  });
  return true;
}

interface WaitRequest {
  stream: StreamRef;
  token: WaitpointRequest & { id: string };
  limits: Limits;
  writer: WritingExecution | undefined;
}

/** See StreamStore.wait. */
export async function waitForMessage(
  client: pg.PoolClient,
  { stream, token, limits, writer }: WaitRequest,
): Promise<{ id: string; isCached: boolean }> {
  await demandWriter(client, stream, writer);
  const held = (await lockStream(client, stream)) ?? (await makeForWait(client, stream, limits));
  const { environmentId } = stream;
  const made = await insertWaitpoint(client, { environmentId, id: token.id, request: token });
  if (made.isCached) return made;
  const oldest = held.taken < held.chunks ? await messageAt(client, held.id, held.taken) : undefined;
  if (oldest !== undefined && (await give(client, environmentId, held.id, made.id, oldest))) return made;
  await client.query({
    name: "add-stream-wait",
    text: "insert into stream_wait (stream_id, token_id) values ($1, $2)",
    values: [held.id, made.id],
  });
  return made;
}

/** An empty append: the limit on streams of a run holds for those that are waited for, too. */
async function makeForWait(client: pg.PoolClient, stream: StreamRef, limits: Limits): Promise<HeldStream> {
  const append = { producer: "", sequence: 0, chunks: [], ends: false };
  const { held } = await appendChunks(client, { stream, held: undefined, append, limits });
  return held;
}

async function messageAt(client: pg.PoolClient, streamId: string, index: number): Promise<Message | undefined> {
  const { rows } = await client.query<{ chunks: Buffer }>({
    name: "stream-message",
    text: "select chunks from stream_batch where stream_id = $1 and first_index = $2",
    values: [streamId, index],
  });
  const data = rows[0] === undefined ? undefined : splitChunks(rows[0].chunks)[0];
  return data === undefined ? undefined : { index, data };
}
