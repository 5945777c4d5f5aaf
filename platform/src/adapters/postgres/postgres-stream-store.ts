import type pg from "pg";
import type { Refused, StreamStore } from "../../streams/stream-store.ts";
import { appendChunks, demandWriter, lockStream, StreamRefusal } from "./stream-append.ts";
import { sendMessage, waitForMessage } from "./stream-messages.ts";
import { listStreams, lookAtStreams, readStream } from "./stream-reads.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Streams on Postgres. Whoever writes one locks, in this order:
 *
 *   execution  for key share, where a run writes: ending it, and its run, waits for us; one that has ended is fenced
 *   run        for key share, where it is another's: ending it waits for us
 *   stream     for update: its chunks are numbered under this lock
 *   waitpoint, run_journal, …  as complete-entries.ts says
 */
export function createPostgresStreamStore(pool: pg.Pool): StreamStore {
  const write = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T | Refused> => {
    try {
      return await inTransaction(pool, work);
    } catch (error) {
      if (error instanceof StreamRefusal) return error.answer;
      throw error;
    }
  };
  return {
    append: (stream, append, limits, writer) =>
      write(async (client) => {
        await demandWriter(client, stream, writer);
        const held = await lockStream(client, stream);
        const { next, sequence, isEnded } = await appendChunks(client, { stream, held, append, limits });
        return { next, sequence, isEnded };
      }),
    send: (stream, message, limits) => write((client) => sendMessage(client, stream, message, limits)),
    wait: (stream, token, limits, writer) =>
      write((client) => waitForMessage(client, { stream, token, limits, writer })),
    look: (streams) => lookAtStreams(pool, streams),
    read: (streamId, from, maxBytes) => readStream(pool, streamId, from, maxBytes),
    list: (environmentId, runId) => listStreams(pool, environmentId, runId),
  };
}
