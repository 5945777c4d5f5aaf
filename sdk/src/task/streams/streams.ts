/** `streams`: what a run writes chunk by chunk for others to follow, and messages that others send to it. */
import type { AsyncIterableStream } from "../../client/iterable-stream.ts";
import { listStreams, type ReadStreamOptions, readStream } from "../../client/streams.ts";
import { type AppendStreamOptions, appendOne } from "./append.ts";
import { type InputStream, inputStream } from "./input-stream.ts";
import { type PipeStreamOptions, type PipeStreamResult, pipeTo, type StreamSource } from "./pipe.ts";
import { type WriterStreamOptions, writeTo } from "./writer.ts";

const DEFAULT_STREAM = "default";

/** A stream with an id and a type, for the code that writes it and the code that reads it. */
export interface DefinedStream<T> {
  id: string;
  pipe(source: StreamSource<T>, options?: PipeStreamOptions): PipeStreamResult<T>;
  read(runId: string, options?: ReadStreamOptions): Promise<AsyncIterableStream<T>>;
  append(value: T, options?: AppendStreamOptions): Promise<void>;
  writer(options: WriterStreamOptions<T>): PipeStreamResult<T>;
}

export type InferStreamType<T> = T extends DefinedStream<infer Part> ? Part : unknown;
export type InferInputStreamType<T> = T extends InputStream<infer Data> ? Data : unknown;

/**
 * Pipes what a source yields into a stream of the run, without waiting for it. The source is read no faster than the platform
 * stores. Each value becomes a chunk, as JSON; what has no JSON fails it.
 *
 * Code that runs again (a retry, a lost process) and yields the same chunks writes nothing twice; where it yields others, all of
 * them are appended. Inside of a step a source is read once: a step that is done is not run again.
 *
 * Errors: NOT_IN_A_RUN without a `target`. `waitUntilComplete`: the source's own; STREAM_LIMIT, STREAM_ENDED,
 * RUN_ALREADY_FINISHED, EXECUTION_FENCED, as ApiError.
 *
 * @example
 * const { stream, waitUntilComplete } = streams.pipe("answer", await openai.chat.completions.create({ …, stream: true }));
 * for await (const part of stream) text += part.choices[0]?.delta.content ?? "";
 * await waitUntilComplete();
 */
function pipe<T>(source: StreamSource<T>, options?: PipeStreamOptions): PipeStreamResult<T>;
function pipe<T>(key: string, source: StreamSource<T>, options?: PipeStreamOptions): PipeStreamResult<T>;
function pipe<T>(
  first: string | StreamSource<T>,
  second?: StreamSource<T> | PipeStreamOptions,
  third?: PipeStreamOptions,
): PipeStreamResult<T> {
  if (typeof first === "string") return pipeTo("streams.pipe", first, second as StreamSource<T>, third);
  return pipeTo("streams.pipe", DEFAULT_STREAM, first, second as PipeStreamOptions | undefined);
}

/**
 * Appends one chunk to a stream of the run; resolves when it is stored.
 *
 * Errors: as `pipe`.
 */
function append(value: unknown, options?: AppendStreamOptions): Promise<void>;
function append(key: string, value: unknown, options?: AppendStreamOptions): Promise<void>;
function append(...given: unknown[]): Promise<void> {
  const isOfDefault = given.length < 2 || typeof given[0] !== "string" || (given.length === 2 && isOptions(given[1]));
  const [key, value, options] = isOfDefault ? [DEFAULT_STREAM, ...given] : given;
  return appendOne("streams.append", key as string, value, options as AppendStreamOptions | undefined);
}

function isOptions(value: unknown): value is AppendStreamOptions {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { target, requestOptions } = value as { target?: unknown; requestOptions?: unknown };
  return typeof target === "string" || (typeof requestOptions === "object" && requestOptions !== null);
}

/**
 * Writes to a stream of the run from code: `write` as it likes, `merge` other streams beside it.
 *
 * Errors: as `pipe`; `waitUntilComplete` rejects with what `execute` throws.
 */
function writer<T>(options: WriterStreamOptions<T>): PipeStreamResult<T>;
function writer<T>(key: string, options: WriterStreamOptions<T>): PipeStreamResult<T>;
function writer<T>(first: string | WriterStreamOptions<T>, second?: WriterStreamOptions<T>): PipeStreamResult<T> {
  if (typeof first === "string") return writeTo("streams.writer", first, second as WriterStreamOptions<T>);
  return writeTo("streams.writer", DEFAULT_STREAM, first);
}

/**
 * A stream by its id, with the type of its chunks. Export it from a file that both sides import.
 *
 * @example
 * export const answer = streams.define<string>({ id: "answer" });
 */
function define<T>({ id }: { id: string }): DefinedStream<T> {
  return {
    id,
    pipe: (source, options) => pipeTo(`${id}.pipe`, id, source, options),
    read: (runId, options) => readStream<T>(runId, id, options),
    append: (value, options) => appendOne(`${id}.append`, id, value, options),
    writer: (options) => writeTo(`${id}.writer`, id, options),
  };
}

/**
 * Messages to a run, by an id, with their type. Inside the run `wait`, `once` and `on` receive them; from anywhere `send` sends.
 *
 * @example
 * export const approval = streams.input<{ approved: boolean }>({ id: "approval" });
 * const { approved } = await approval.wait({ timeout: "3d" }).unwrap();
 */
function input<T>({ id }: { id: string }): InputStream<T> {
  return inputStream<T>(id);
}

export const streams = { pipe, append, writer, read: readStream, list: listStreams, define, input };
