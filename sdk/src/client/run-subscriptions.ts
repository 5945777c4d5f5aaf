import type { StreamDirection } from "../contract/api/streams.ts";
import { parseDurationMs } from "../contract/duration.ts";
import { resolveConfig } from "./configuration.ts";
import { toAsyncIterableStream } from "./iterable-stream.ts";
import {
  type LiveOptions,
  type RealtimeRun,
  RunObserver,
  type RunSetTarget,
  type RunSnapshot,
  type RunSubscription,
  RunsObserver,
  type RunsSnapshot,
  RunWithStreamsObserver,
  type RunWithStreamsSnapshot,
  readStreamParts,
  runSubscription,
} from "./realtime/index.ts";
import type { RequestOptions } from "./request-options.ts";
import type { AnyRunHandle, AnyTask } from "./run-handle.ts";

type RunReference = string | { id: string };

export interface SubscribeToRunOptions {
  /** Ends with the run. Default true. */
  stopOnCompletion?: boolean | undefined;
  /** Fields that are not to be sent; of Trigger.dev's columns `payload` and `output` count. */
  skipColumns?: readonly string[] | undefined;
}

export interface SubscribeToRunsFilter {
  /** Runs made since: `"1h"`, `"7d"`, or an instant. Default 24 hours. */
  createdAt?: string | Date | undefined;
}

type StreamChange<TRun, TStreams extends Record<string, unknown>> = {
  [K in keyof TStreams & string]: { type: K; chunk: TStreams[K]; run: TRun };
}[keyof TStreams & string];
/** A change of the run, or the next part of one of its streams. */
export type RunOrStreamChange<TRun, TStreams extends Record<string, unknown>> =
  | { type: "run"; run: TRun }
  | StreamChange<TRun, TStreams>;

export interface SingleRunSubscription<TRun> extends RunSubscription<TRun> {
  /** The run's changes and the parts of its streams, as they come. */
  withStreams<TStreams extends Record<string, unknown>>(): RunSubscription<RunOrStreamChange<TRun, TStreams>>;
}

/**
 * A run whenever it has changed, the first time as it is; ends with the run.
 *
 * @example for await (const run of runs.subscribeToRun<typeof importCsv>(id)) console.log(run.metadata?.progress);
 */
export function subscribeToRun<T extends AnyRunHandle>(
  run: T,
  options?: SubscribeToRunOptions,
  requestOptions?: RequestOptions,
): SingleRunSubscription<RealtimeRun<T>>;
export function subscribeToRun<T extends AnyTask = AnyTask>(
  run: RunReference,
  options?: SubscribeToRunOptions,
  requestOptions?: RequestOptions,
): SingleRunSubscription<RealtimeRun<T>>;
export function subscribeToRun(
  run: RunReference,
  { stopOnCompletion, skipColumns = [] }: SubscribeToRunOptions = {},
  requestOptions?: RequestOptions,
): SingleRunSubscription<RealtimeRun> {
  const id = typeof run === "string" ? run : run.id;
  const skip = (["payload", "output"] as const).filter((field) => skipColumns.includes(field));
  const observerOptions = () => ({ ...liveOptions(requestOptions), stopOnCompletion, skip });
  return {
    ...runSubscription<RunSnapshot, RealtimeRun>({
      observe: () => new RunObserver(id, observerOptions()),
      changes: (now, before) => (now.run === undefined || now.run === before?.run ? [] : [now.run]),
      signal: requestOptions?.signal,
    }),
    withStreams: <TStreams extends Record<string, unknown>>() =>
      runSubscription<RunWithStreamsSnapshot<AnyTask, TStreams>, RunOrStreamChange<RealtimeRun, TStreams>>({
        observe: () => new RunWithStreamsObserver<AnyTask, TStreams>(id, observerOptions()),
        changes: streamChanges,
        signal: requestOptions?.signal,
      }),
  };
}

function* streamChanges<TStreams extends Record<string, unknown>>(
  now: RunWithStreamsSnapshot<AnyTask, TStreams>,
  before: RunWithStreamsSnapshot<AnyTask, TStreams> | undefined,
): Generator<RunOrStreamChange<RealtimeRun, TStreams>> {
  const { run } = now;
  if (run === undefined) return;
  if (run !== before?.run) yield { type: "run", run };
  for (const [type, parts] of Object.entries(now.streams) as [keyof TStreams & string, readonly unknown[]][]) {
    // Of a run that was not known yet nothing was told either.
    const told = before?.run === undefined ? 0 : (before.streams[type]?.length ?? 0);
    for (const chunk of parts.slice(told)) yield { type, chunk, run } as StreamChange<RealtimeRun, TStreams>;
  }
}

/** Each run with the tag (with all of them, where several are given) whenever it has changed; the newest 500. Does not end by itself. */
export function subscribeToRunsWithTag<T extends AnyTask = AnyTask>(
  tag: string | string[],
  { createdAt }: SubscribeToRunsFilter = {},
  requestOptions?: RequestOptions,
): RunSubscription<RealtimeRun<T>> {
  const createdAfter = createdAt === undefined ? undefined : instantOf(createdAt);
  return subscribeToSet<T>({ kind: "tag", tags: [tag].flat(), ...(createdAfter && { createdAfter }) }, requestOptions);
}

/** Each run of a batch whenever it has changed. Does not end by itself. */
export function subscribeToBatch<T extends AnyTask = AnyTask>(
  batch: string | { batchId: string },
  requestOptions?: RequestOptions,
): RunSubscription<RealtimeRun<T>> {
  const batchId = typeof batch === "string" ? batch : batch.batchId;
  return subscribeToSet<T>({ kind: "batch", batchId }, requestOptions);
}

function subscribeToSet<T extends AnyTask>(
  target: RunSetTarget,
  requestOptions: RequestOptions | undefined,
): RunSubscription<RealtimeRun<T>> {
  return runSubscription<RunsSnapshot<T>, RealtimeRun<T>>({
    observe: () => new RunsObserver<T>(target, liveOptions(requestOptions)),
    changes(now, before) {
      // A run that has not changed is the same object; the oldest first, as they were made.
      const told = new Set(before?.runs);
      return now.runs.filter((run) => !told.has(run)).toReversed();
    },
    signal: requestOptions?.signal,
  });
}

export interface FetchStreamOptions {
  /** Index of the first chunk wanted, or `latest`: only what comes from now on. Default 0. */
  from?: number | "latest" | undefined;
  direction?: StreamDirection | undefined;
}

/**
 * The chunks of a stream of a run, in order, until it ends. The platform sends on as they are taken.
 *
 * @example for await (const token of await runs.fetchStream<string>(id, "answer")) process.stdout.write(token);
 */
export async function fetchStream<T>(
  run: RunReference,
  stream: string | { id: string } = "default",
  { from, direction }: FetchStreamOptions = {},
  requestOptions?: RequestOptions,
): Promise<ReadableStream<T> & AsyncIterable<T>> {
  const reference = {
    runId: typeof run === "string" ? run : run.id,
    stream: typeof stream === "string" ? stream : stream.id,
    direction,
  };
  const options = { ...liveOptions(requestOptions), from, signal: requestOptions?.signal };
  async function* chunks(): AsyncGenerator<T, void> {
    for await (const { chunk } of readStreamParts<T>(reference, options)) yield chunk;
  }
  return toAsyncIterableStream(chunks());
}

function liveOptions(requestOptions: RequestOptions | undefined): LiveOptions {
  const { baseUrl, token, requestOptions: merged } = resolveConfig(requestOptions);
  return { baseUrl, accessToken: token, requestOptions: merged };
}

/** Error: RangeError for what is neither a duration nor an instant. */
function instantOf(createdAt: string | Date): string {
  const ms = typeof createdAt === "string" ? parseDurationMs(createdAt) : undefined;
  const at = ms === undefined ? new Date(createdAt) : new Date(Date.now() - ms);
  if (Number.isNaN(at.getTime()))
    throw new RangeError(`createdAt is "${String(createdAt)}": write it like "1h" or "7d".`);
  return at.toISOString();
}
