import type { StreamChunk } from "@gantry/sdk/contract";
import { AppError } from "../errors.ts";
import type { Resource } from "../http/access-policy.ts";
import { runResources } from "../http/run-view.ts";
import { runNotFound } from "../runs/run-ids.ts";
import type { RunService } from "../runs/run-service.ts";
import type { StreamReading } from "../streams/stream.ts";
import type { StreamService } from "../streams/stream-service.ts";
import type { RealtimeSocket, SocketFeature } from "./realtime-socket.ts";
import { type ReadWish, readReadStream, readTaken } from "./stream-requests.ts";
import { StreamWindow } from "./stream-window.ts";
import { readUnsubscribe } from "./target-policy.ts";
import { tooMany } from "./too-many.ts";

export interface StreamFeatureDeps {
  streams: Pick<StreamService, "open">;
  runs: Pick<RunService, "retrieve">;
  /** How many readers one socket may have. */
  limit(socket: RealtimeSocket): Promise<number>;
  onError(error: unknown): void;
}

/** JSON of chunks in one message, about. */
const MESSAGE_BYTES = 32 * 1024;

interface Reader {
  id: string;
  reading: StreamReading;
  window: StreamWindow;
  /** Names under which its run may be read. */
  resources: readonly Resource[];
  over: AbortController;
  /** Lets it look again whether it may send. */
  wake(): void;
}

/**
 * Streams of runs that one socket reads. Nothing is read from the store for a reader whose window is full, or whose socket has not
 * taken what it was sent: a slow browser costs a window of memory here, and nobody waits for it.
 */
export function streamsOf(deps: StreamFeatureDeps) {
  return (socket: RealtimeSocket): SocketFeature => {
    const readers = new Map<string, Reader>();
    let opening = 0;
    let isGone = false;

    const end = (id: string) => {
      const reader = readers.get(id);
      readers.delete(id);
      reader?.over.abort();
      reader?.reading.close();
    };
    const close = (id: string, { code, message }: AppError) => {
      end(id);
      socket.send("closed", { id, error: { code, message } });
    };

    return {
      events: {
        async readStream(request) {
          const wish = readReadStream(request);
          end(wish.id);
          const limit = await deps.limit(socket);
          if (readers.size + opening >= limit) throw tooMany(limit);
          opening += 1;
          const reader = await openReader(deps, socket, wish).finally(() => (opening -= 1));
          if (isGone) return reader.reading.close();
          end(wish.id);
          readers.set(wish.id, reader);
          return () => {
            void sendAll(socket, reader).then(
              (isEnded) => isEnded && readers.get(reader.id) === reader && end(reader.id),
              (error: unknown) => {
                if (readers.get(reader.id) !== reader) return;
                deps.onError(error);
                close(
                  reader.id,
                  error instanceof AppError ? error : new AppError("INTERNAL", "The stream cannot be read."),
                );
              },
            );
          };
        },
        streamTaken(request) {
          const taken = readTaken(request);
          const reader = taken && readers.get(taken.id);
          reader?.window.taken(taken?.next ?? 0);
          reader?.wake();
        },
        unsubscribe: (request) => end(readUnsubscribe(request)),
      },
      ready() {
        for (const reader of readers.values()) reader.wake();
      },
      renewed() {
        for (const { id, resources } of readers.values()) {
          const refusal = socket.refusal("read", resources);
          if (refusal !== undefined) close(id, refusal);
        }
      },
      end(error) {
        for (const id of readers.keys()) close(id, error);
      },
      gone() {
        isGone = true;
        for (const id of readers.keys()) end(id);
      },
    };
  };
}

/** Errors: RUN_NOT_FOUND, MALFORMED_ID, FORBIDDEN. */
async function openReader(deps: StreamFeatureDeps, socket: RealtimeSocket, wish: ReadWish): Promise<Reader> {
  const { id, runId, stream: name, direction, from } = wish;
  const resources = await allowedBy(deps, socket, runId);
  const reading = await deps.streams.open(socket.environment, { runId, direction, name }, from);
  const over = new AbortController();
  return { id, reading, window: new StreamWindow(reading.next), resources, over, wake: () => undefined };
}

/** By the run's id alone where that is enough; the run is read only for tokens that name it by a tag, a batch or a task. */
async function allowedBy(
  { runs }: StreamFeatureDeps,
  socket: RealtimeSocket,
  runId: string,
): Promise<readonly Resource[]> {
  const byId: Resource[] = [{ kind: "runs", id: runId }];
  if (socket.refusal("read", byId) === undefined) return byId;
  const run = await runs.retrieve(socket.environment, runId);
  if (run === undefined) throw runNotFound(runId);
  const resources = runResources(run);
  const refusal = socket.refusal("read", resources);
  if (refusal !== undefined) throw refusal;
  return resources;
}

/** Sends chunks as they come and are taken. True once the reader was told of the end. */
async function sendAll(socket: RealtimeSocket, reader: Reader): Promise<boolean> {
  const { id, reading, window } = reader;
  const { signal } = reader.over;
  for (;;) {
    await reading.readable(signal);
    while (!signal.aborted && (!socket.isReady || window.room === 0)) await woken(reader);
    if (signal.aborted) return false;
    const { chunks, isEnded } = await reading.read(Math.min(MESSAGE_BYTES, window.room), signal);
    if (signal.aborted || (chunks.length === 0 && !isEnded)) return false;
    socket.send("chunks", { id, chunks, isEnded });
    window.sent(reading.next, bytesOf(chunks));
    if (isEnded) return true;
  }
}

function woken(reader: Reader): Promise<void> {
  return new Promise((resolve) => {
    const { signal } = reader.over;
    const end = () => {
      signal.removeEventListener("abort", end);
      resolve();
    };
    signal.addEventListener("abort", end);
    reader.wake = end;
  });
}

function bytesOf(chunks: readonly StreamChunk[]): number {
  return chunks.reduce((sum, { data }) => sum + data.length, 0);
}
