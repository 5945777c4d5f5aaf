import { ApiConnectionError, ApiError, ApiTimeoutError, errorFromReply, retryAfterMs } from "./api-error.ts";
import type { ResolvedConfig } from "./configuration.ts";
import { decideRetry, isUndelivered, type Repeatable, type RequestFailure } from "./request-policy.ts";

export interface HttpRequest {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** From the root, encoded: `/api/v1/runs`. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON. */
  json?: unknown;
  /** Or made anew for each attempt, with its content type; a stream says how many bytes it has. */
  body?: { contentType: string; make: () => string | ReadableStream<Uint8Array>; bytes?: number };
  repeatable: Repeatable;
  /** Instead of the client's own; Infinity for none. */
  timeoutInMs?: number;
}

export interface HttpReply<T> {
  data: T;
  headers: Headers;
}

const DEFAULT_TIMEOUT_MS = 60_000;
/** The version of the API's shapes, as Trigger.dev's clients send it. */
const API_VERSION = "2025-07-16";

/**
 * Sends a request, again where that is safe and may help, and parses the reply as JSON.
 *
 * Errors: ApiError by status; ApiConnectionError, ApiTimeoutError; the signal's own reason where it is aborted.
 */
export function send<T>(config: ResolvedConfig, request: HttpRequest): Promise<HttpReply<T>> {
  return attempt(config, request, async (response) => parseReply<T>(await response.text(), response));
}

/**
 * Sends a request whose reply is NDJSON, and yields each line's value as it comes.
 *
 * Errors: as `send`; REPLY_CUT_OFF where the connection breaks before the reply's end.
 */
export async function* sendForLines<T>(config: ResolvedConfig, request: HttpRequest): AsyncGenerator<T, void> {
  const endless = { ...request, timeoutInMs: Number.POSITIVE_INFINITY };
  const { data: response } = await attempt(config, endless, async (reply) => reply);
  try {
    let rest = "";
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") yield parseReply<T>(line, response);
    }
    if (rest.trim() !== "") yield parseReply<T>(rest, response);
  } catch (cause) {
    config.requestOptions.signal?.throwIfAborted();
    throw cause instanceof ApiError ? cause : replyCutOff(config.baseUrl, cause);
  }
}

function replyCutOff(baseUrl: string, cause: unknown): ApiConnectionError {
  return new ApiConnectionError(`The reply of ${baseUrl} was cut off (${reasonOf(cause)}).`, {
    status: undefined,
    code: "REPLY_CUT_OFF",
    remedy: "Ask again; look first what has been carried out.",
    cause,
  });
}

async function attempt<T>(
  config: ResolvedConfig,
  request: HttpRequest,
  read: (response: Response) => Promise<T>,
): Promise<HttpReply<T>> {
  const { signal, retry } = config.requestOptions;
  // One id for all attempts: the platform's log shows them as one request.
  const requestId = crypto.randomUUID();
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptOnce<T>(config, request, requestId, read);
    if (outcome.ok) return outcome.reply;
    signal?.throwIfAborted();
    const decision = decideRetry(outcome.failure, request.repeatable, attempt, retry, Math.random());
    if (!decision.retry) throw decision.reason === "MAYBE_CARRIED_OUT" ? withDoubt(outcome.error) : outcome.error;
    await pause(decision.delayMs, signal);
  }
}

type Outcome<T> = { ok: true; reply: HttpReply<T> } | { ok: false; error: ApiError; failure: RequestFailure };

async function attemptOnce<T>(
  config: ResolvedConfig,
  request: HttpRequest,
  requestId: string,
  read: (response: Response) => Promise<T>,
): Promise<Outcome<T>> {
  const { signal, fetch = globalThis.fetch } = config.requestOptions;
  const timeoutInMs = request.timeoutInMs ?? config.requestOptions.timeoutInMs ?? DEFAULT_TIMEOUT_MS;
  const timeout = Number.isFinite(timeoutInMs) ? AbortSignal.timeout(timeoutInMs) : new AbortController().signal;
  try {
    const response = await fetch(address(config.baseUrl, request), {
      method: request.method,
      headers: headersOf(config, request, requestId),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...bodyOf(request),
    });
    if (response.ok) return { ok: true, reply: { data: await read(response), headers: response.headers } };
    const text = await response.text();
    return { ok: false, error: errorFromReply(response.status, text, response.headers), failure: failureOf(response) };
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    const failure: RequestFailure = { kind: "noReply", isUndelivered: isUndelivered(cause) };
    return { ok: false, error: connectionError(config.baseUrl, timeout.aborted, timeoutInMs, cause), failure };
  }
}

/** The same error, saying that the request may have had its effect and how to ask again safely. */
function withDoubt(error: ApiError): ApiError {
  const Class = error.constructor as typeof ApiError;
  const { status, code, details, headers, cause } = error;
  const remedy = "It may have been carried out all the same; with an idempotencyKey it can be repeated safely.";
  return new Class(error.message, { status, code, remedy, details, headers, cause });
}

function failureOf(response: Response): RequestFailure {
  const hint = response.headers.get("x-should-retry");
  return {
    kind: "reply",
    status: response.status,
    retryAfterMs: retryAfterMs(response.headers, Date.now()),
    shouldRetry: hint === null ? undefined : hint === "true",
  };
}

function address(baseUrl: string, request: HttpRequest): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.set(name, String(value));
  }
  return `${baseUrl}${request.path}${query.size === 0 ? "" : `?${query}`}`;
}

function headersOf(config: ResolvedConfig, request: HttpRequest, requestId: string): Record<string, string> {
  const contentType = request.body?.contentType ?? (request.json === undefined ? undefined : "application/json");
  return {
    accept: "application/json",
    "x-trigger-api-version": API_VERSION,
    "x-trigger-request-idempotency-key": requestId,
    ...(contentType === undefined ? {} : { "content-type": contentType }),
    ...(request.body?.bytes === undefined ? {} : { "content-length": String(request.body.bytes) }),
    ...config.requestOptions.additionalHeaders,
    authorization: `Bearer ${config.token}`,
  };
}

/** `duplex` is what fetch wants to be told of a stream; its types do not know it everywhere. */
function bodyOf(request: HttpRequest): { body?: string | ReadableStream<Uint8Array>; duplex?: "half" } {
  if (request.body !== undefined) {
    const body = request.body.make();
    return typeof body === "string" ? { body } : { body, duplex: "half" };
  }
  return request.json === undefined ? {} : { body: toJson(request.json) };
}

/** Errors: NOT_SERIALIZABLE for a cycle or a BigInt in what travels as plain JSON (metadata; payloads may hold both). */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new ApiError(`The request cannot be written as JSON: ${reasonOf(cause).split("\n")[0]}.`, {
      status: undefined,
      code: "NOT_SERIALIZABLE",
      remedy: "Use plain JSON values in metadata and options.",
      cause,
    });
  }
}

function parseReply<T>(text: string, response: Response): T {
  if (text === "") return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new ApiError(`The server's reply is not JSON: ${text.slice(0, 100)}`, {
      status: response.status,
      code: "INVALID_REPLY",
      remedy: "Check that GANTRY_API_URL is the address of a Gantry platform.",
      headers: response.headers,
      cause,
    });
  }
}

function connectionError(baseUrl: string, isTimeout: boolean, timeoutMs: number, cause: unknown): ApiConnectionError {
  if (isTimeout) {
    return new ApiTimeoutError(`${baseUrl} did not answer within ${timeoutMs} ms.`, {
      status: undefined,
      code: "REQUEST_TIMEOUT",
      remedy: "Check that the platform is up, or raise requestOptions.timeoutInMs.",
      cause,
    });
  }
  return new ApiConnectionError(`No connection to Gantry at ${baseUrl} (${reasonOf(cause)}).`, {
    status: undefined,
    code: "CONNECTION_FAILED",
    remedy: "Check that the platform is up (`gantry dev` starts one) and that GANTRY_API_URL is its address.",
    cause,
  });
}

function reasonOf(error: unknown): string {
  const { cause, code, message } = (error ?? {}) as { cause?: unknown; code?: unknown; message?: unknown };
  if (cause !== undefined) return reasonOf(cause);
  return String(code ?? (message || error));
}

/** Waits, and rejects with the signal's reason as soon as it is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
