/** `retry.fetch`: a fetch that tries again by status, on a connection that fails, and on a time-out. */
import { RETRY_IN_PLACE_MS } from "../contract/limits.ts";
import { DEFAULT_RETRY, type RetryOptions, retryDelayMs } from "../contract/retry.ts";
import { RetryAfterError } from "./errors.ts";
import { pauseInRun } from "./pause.ts";
import { type ResetFormat, waitByFormat, waitByHeaders } from "./reset-header.ts";
import { currentScope } from "./run-scope.ts";

export type FetchRetryStrategy =
  | ({ strategy: "backoff" } & RetryOptions)
  | {
      /** Waits until the moment in a header of the response. */
      strategy: "headers";
      resetHeader: string;
      /** Default `unix_timestamp`. */
      resetFormat?: ResetFormat | undefined;
      /** Read by Trigger.dev's SDK for display; not needed here. */
      limitHeader?: string | undefined;
      remainingHeader?: string | undefined;
    };

export interface FetchRetryOptions {
  /** By status: `"429"`, `"500-599"`, `"5xx"`, `"429,5xx"`, `"all"`; the first that fits. */
  byStatus?: Record<string, FetchRetryStrategy> | undefined;
  connectionError?: RetryOptions | undefined;
  timeout?: RetryOptions | undefined;
}

export type FetchInput = string | URL | Request;

export interface RetryFetchInit extends RequestInit {
  retry?: FetchRetryOptions | undefined;
  /** For one request; the default is none. */
  timeoutInMs?: number | undefined;
}

/** Requests in all, whatever the strategies say. */
const MAX_REQUESTS = 10;
const DEFAULT_BY_STATUS: Record<string, FetchRetryStrategy> = {
  "408,409,429,5xx": { strategy: "backoff", ...DEFAULT_RETRY },
};

/**
 * Fetches, again where it helps; gives the last response when it gives up, as `fetch` would.
 *
 * A response with a strategy of its own waits as that says. A 429 waits as long as the service asks: up to 30 s in place,
 * longer by throwing RetryAfterError, which puts the run back into its queue until then and costs no attempt.
 * A body that is a stream can be sent once only.
 */
export async function retryFetch(input: FetchInput, init: RetryFetchInit = {}): Promise<Response> {
  const { retry = {}, timeoutInMs, ...fetchInit } = init;
  for (let request = 1; ; request++) {
    const result = await fetchOnce(input, fetchInit, timeoutInMs, request);
    const waitMs =
      isReplayable(input, fetchInit) && request < MAX_REQUESTS ? waitFor(result, retry, request) : undefined;
    if (waitMs === undefined) {
      if (result.kind === "response") return result.response;
      throw result.error;
    }
    if (result.kind === "response") await discard(result.response);
    await pauseInRun(waitMs);
  }
}

type FetchResult =
  | { kind: "response"; response: Response }
  | { kind: "timeout" | "connection" | "aborted"; error: unknown };

async function fetchOnce(
  input: FetchInput,
  init: RequestInit,
  timeoutInMs: number | undefined,
  request: number,
): Promise<FetchResult> {
  const timeout = new AbortController();
  const timer =
    timeoutInMs === undefined ? undefined : setTimeout(() => timeout.abort(timeoutError(timeoutInMs)), timeoutInMs);
  try {
    const response = await fetch(input instanceof Request ? input.clone() : input, {
      ...init,
      headers: headersOf(input, init, request),
      signal: init.signal ? AbortSignal.any([init.signal, timeout.signal]) : timeout.signal,
    });
    return { kind: "response", response };
  } catch (error) {
    const isAborted = init.signal?.aborted ?? (input instanceof Request && input.signal.aborted);
    return { kind: isAborted ? "aborted" : timeout.signal.aborted ? "timeout" : "connection", error };
  } finally {
    // The time is for the response's head: reading a long body is the caller's business.
    clearTimeout(timer);
  }
}

function timeoutError(timeoutInMs: number): DOMException {
  return new DOMException(`No response within ${timeoutInMs} ms.`, "TimeoutError");
}

/** Services can tell a repeated request, as with Trigger.dev's SDK. */
function headersOf(input: FetchInput, init: RequestInit, request: number): Headers {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
  headers.set("x-retry-count", String(request));
  return headers;
}

/** Milliseconds to wait before the next request; undefined to give up. Error: RetryAfterError. */
function waitFor(result: FetchResult, retry: FetchRetryOptions, request: number): number | undefined {
  switch (result.kind) {
    case "aborted":
      return undefined;
    case "timeout":
      return backoff(retry.timeout ?? DEFAULT_RETRY, request);
    case "connection":
      return result.error instanceof TypeError ? backoff(retry.connectionError ?? DEFAULT_RETRY, request) : undefined;
    case "response":
      return result.response.ok ? undefined : waitForStatus(result.response, retry.byStatus, request);
  }
}

function waitForStatus(
  response: Response,
  byStatus: Record<string, FetchRetryStrategy> | undefined,
  request: number,
): number | undefined {
  const strategies = Object.entries(byStatus ?? DEFAULT_BY_STATUS);
  const strategy = strategies.find(([range]) => isStatusIn(response.status, range))?.[1];
  if (!strategy) return undefined;
  if (strategy.strategy === "headers") {
    return inPlace(
      response,
      waitByFormat(response.headers.get(strategy.resetHeader), strategy.resetFormat ?? "unix_timestamp", Date.now()),
    );
  }
  // A back-off the user asked for by name is kept; the default one knows less than the service does.
  const asked =
    byStatus === undefined && response.status === 429 ? waitByHeaders(response.headers, Date.now()) : undefined;
  return asked === undefined ? backoff(strategy, request) : inPlace(response, asked);
}

function inPlace({ status, url }: Response, waitMs: number | undefined): number | undefined {
  if (waitMs === undefined || waitMs <= RETRY_IN_PLACE_MS) return waitMs;
  // Outside of runs there is nothing to defer.
  if (!currentScope()) return undefined;
  const message = `${new URL(url || "http://unknown").host} answered ${status} and asks to wait ${Math.ceil(waitMs / 1000)} s.`;
  throw new RetryAfterError(message, { retryAfter: waitMs });
}

function backoff(options: RetryOptions, request: number): number | undefined {
  const { maxAttempts = DEFAULT_RETRY.maxAttempts } = options;
  return request >= maxAttempts ? undefined : retryDelayMs(options, request, Math.random());
}

/** Whether a status is in `"404"`, `"500-599"`, `"5xx"`, `"50x"`, `"429,5xx"` or `"all"`. */
export function isStatusIn(status: number, range: string): boolean {
  if (range === "all") return true;
  return range.split(",").some((part) => {
    const [from = "", to] = part.trim().split("-");
    if (to !== undefined) return status >= Number(from) && status <= Number(to);
    const digits = from.replace(/x+$/i, "");
    return from.length === 3 && digits !== "" && String(status).startsWith(digits);
  });
}

function isReplayable(input: FetchInput, init: RequestInit): boolean {
  return !(init.body instanceof ReadableStream) && !(input instanceof Request && input.bodyUsed);
}

/** Frees the connection of a response nobody reads. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}
