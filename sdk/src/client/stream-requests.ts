/** Requests about streams of runs, one function each. */
import type {
  AppendStreamReply,
  SendStreamReply,
  StreamListReply,
  StreamReadEnd,
  WaitStreamBody,
  WaitStreamReply,
} from "../contract/api/streams.ts";
import type { StreamChunk } from "../contract/realtime.ts";
import { ApiConnectionError } from "./api-error.ts";
import { type ResolvedConfig, resolveConfig } from "./configuration.ts";
import { type HttpRequest, pause, send, sendForLines } from "./http.ts";
import type { ClientRetryOptions, RequestOptions } from "./request-options.ts";

/** A run that streams outlives an outage of the platform about as long as its worker does. */
const APPEND_RETRY: ClientRetryOptions = { maxAttempts: 70, minTimeoutInMs: 100, maxTimeoutInMs: 10_000 };
/** A reader comes again so often without having got anything before it gives up. */
const MAX_SILENT_READS = 10;

/** As the API's body; `chunks` are JSON texts. */
export interface StreamAppend {
  producer: string;
  sequence: number;
  chunks: readonly string[];
  attempt?: number | undefined;
  end?: boolean | undefined;
}

/** What it repeats is stored once. Errors: STREAM_DIVERGED, STREAM_ENDED, STREAM_LIMIT, RUN_ALREADY_FINISHED, EXECUTION_FENCED. */
export async function appendToStream(
  runId: string,
  stream: string,
  { chunks, ...rest }: StreamAppend,
  requestOptions?: RequestOptions,
): Promise<AppendStreamReply> {
  const { requestOptions: merged, ...config } = resolveConfig(requestOptions);
  const options = { ...merged, retry: { ...APPEND_RETRY, ...merged.retry } };
  // The chunks are JSON already.
  const text = `${JSON.stringify(rest).slice(0, -1)},"chunks":[${chunks.join(",")}]}`;
  return ask({ ...config, requestOptions: options }, "POST", streamPath(runId, stream), {
    body: { contentType: "application/json", make: () => text },
  });
}

export function sendToStream(
  runId: string,
  stream: string,
  message: { id: string; data: unknown },
  requestOptions?: RequestOptions,
): Promise<SendStreamReply> {
  const path = streamPath(runId, stream, "input");
  return ask(resolveConfig(requestOptions), "POST", path, { json: { ...message, data: message.data ?? null } });
}

/** A token for the next message. */
export function waitForStream(
  runId: string,
  body: WaitStreamBody,
  requestOptions?: RequestOptions,
): Promise<WaitStreamReply> {
  const path = `/api/v1/runs/${encodeURIComponent(runId)}/input-streams/wait`;
  return ask(resolveConfig(requestOptions), "POST", path, { json: body });
}

export function requestStreams(runId: string, requestOptions?: RequestOptions): Promise<StreamListReply> {
  return ask(resolveConfig(requestOptions), "GET", `/api/v1/runs/${encodeURIComponent(runId)}/streams`, {});
}

export interface ReadChunksOptions {
  /** Index of the first chunk wanted, or `latest`. */
  from: number | "latest";
  direction: "output" | "input";
  /** Ends when no chunk has come for so long. */
  timeoutInSeconds: number;
}

/**
 * The chunks of a stream in order, each once, over connections that are made anew where they break. Ends with the stream, or when
 * no chunk has come for `timeoutInSeconds`.
 *
 * Errors: the platform's; ApiConnectionError where it is away for long; the signal's reason.
 */
export async function* readChunks(
  config: ResolvedConfig,
  runId: string,
  stream: string,
  { from, direction, timeoutInSeconds }: ReadChunksOptions,
): AsyncGenerator<StreamChunk, { isEnded: boolean }> {
  let next = from;
  for (let silent = 0; ; silent++) {
    const lines = sendForLines<StreamChunk | StreamReadEnd>(config, {
      method: "GET",
      path: streamPath(runId, stream, direction),
      query: { from: next, timeoutInSeconds },
      repeatable: "always",
    });
    try {
      for await (const line of lines) {
        if (!("index" in line)) return { isEnded: line.isEnded };
        next = line.index + 1;
        silent = 0;
        yield line;
      }
    } catch (error) {
      if (!(error instanceof ApiConnectionError) || silent >= MAX_SILENT_READS) throw error;
    }
    if (silent >= MAX_SILENT_READS) throw withoutEnd(config.baseUrl);
    await pause(Math.min(5_000, 100 * 2 ** silent), config.requestOptions.signal);
  }
}

function withoutEnd(baseUrl: string): ApiConnectionError {
  return new ApiConnectionError(`The replies of ${baseUrl} end before the stream does.`, {
    status: undefined,
    code: "REPLY_CUT_OFF",
    remedy: "Look whether a proxy between here and the platform cuts replies that last.",
    cause: undefined,
  });
}

function streamPath(runId: string, stream: string, direction: "output" | "input" = "output"): string {
  const input = direction === "input" ? "/input" : "";
  return `/realtime/v1/streams/${encodeURIComponent(runId)}${input}/${encodeURIComponent(stream)}`;
}

async function ask<T>(
  config: ResolvedConfig,
  method: "GET" | "POST",
  path: string,
  rest: Pick<HttpRequest, "json" | "body">,
): Promise<T> {
  return (await send<T>(config, { method, path, repeatable: "always", ...rest })).data;
}
