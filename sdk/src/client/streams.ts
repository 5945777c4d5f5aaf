/** What may be done with streams from anywhere: read, list, send. Writing them is sdk/src/task/streams. */
import type { StreamSummary } from "../contract/api/streams.ts";
import { resolveConfig } from "./configuration.ts";
import { type Revived, reviveDates } from "./dates.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { onceIdempotencyKey } from "./idempotency-key.ts";
import { type AsyncIterableStream, toAsyncIterableStream } from "./iterable-stream.ts";
import { onceInRun } from "./once-in-run.ts";
import type { RequestOptions } from "./request-options.ts";
import { type ReadChunksOptions, readChunks, requestStreams, sendToStream } from "./stream-requests.ts";

/** A stream of a run that has been written, or is waited for. */
export type StreamItem = Revived<StreamSummary>;

export interface ReadStreamOptions {
  signal?: AbortSignal | undefined;
  /** Closes the stream when no chunk has come for so long. Default 60. */
  timeoutInSeconds?: number | undefined;
  /** Index of the first chunk wanted, from 0. */
  startIndex?: number | undefined;
  /** `latest`: only chunks that come from now on. Default: from the beginning. `startIndex` comes first. */
  from?: "beginning" | "latest" | undefined;
}

export interface SendInputStreamOptions {
  requestOptions?: RequestOptions | undefined;
}

const DEFAULT_STREAM = "default";

/**
 * A stream of a run, in order from an index on, as it grows: for `for await` or as a ReadableStream. It ends with the stream (when
 * its run ends at the latest), or when no chunk has come for `timeoutInSeconds`.
 *
 * Errors, while it is read: RUN_NOT_FOUND and others of the API, as ApiError; the signal's reason.
 *
 * @example
 * for await (const token of await streams.read<string>(runId, "answer")) process.stdout.write(token);
 */
export async function readStream<T>(
  runId: string,
  keyOrOptions?: string | ReadStreamOptions,
  options: ReadStreamOptions = {},
): Promise<AsyncIterableStream<T>> {
  const [key, given] = typeof keyOrOptions === "string" ? [keyOrOptions, options] : [DEFAULT_STREAM, keyOrOptions];
  const { signal, timeoutInSeconds = 60, startIndex, from } = given ?? {};
  const config = resolveConfig(signal === undefined ? undefined : { signal });
  const start = startIndex ?? (from === "latest" ? "latest" : 0);
  const reading: ReadChunksOptions = { from: start, direction: "output", timeoutInSeconds };
  async function* values(): AsyncGenerator<T, void> {
    for await (const { data } of readChunks(config, runId, key, reading)) yield JSON.parse(data) as T;
  }
  return toAsyncIterableStream(values());
}

/** The streams of a run, oldest first; those of both directions. */
export async function listStreams(runId: string, requestOptions?: RequestOptions): Promise<StreamItem[]> {
  return (await requestStreams(runId, requestOptions)).data.map((stream) => reviveDates(stream));
}

/**
 * Sends a message to an input stream of a run. It arrives once: a request that is repeated is stored once, and inside a run the
 * journal keeps it from being sent again.
 *
 * Errors: RUN_NOT_FOUND, RUN_ALREADY_FINISHED, STREAM_LIMIT, as ApiError.
 */
export async function sendToInputStream(
  runId: string,
  stream: string,
  data: unknown,
  options?: SendInputStreamOptions,
): Promise<void> {
  await onceInRun({
    label: `${stream}.send`,
    fingerprint: () => fingerprintOf("send", runId, stream, JSON.stringify(data)),
    perform: async (onceKey) => {
      const id = (await onceIdempotencyKey(onceKey, "send")) ?? crypto.randomUUID();
      await sendToStream(runId, stream, { id, data }, options?.requestOptions);
    },
  });
}
