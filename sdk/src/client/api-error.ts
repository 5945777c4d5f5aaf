/** What an error's reply said, and what can be known of the request. */
export interface ApiErrorFields {
  status: number | undefined;
  code: string;
  /** What to do, from the platform's error registry where it gave one. */
  remedy?: string | undefined;
  details?: unknown;
  headers?: Headers | undefined;
  cause?: unknown;
}

/** The platform refused a request, or could not be reached. `code` is stable, `remedy` says what to do. */
export class ApiError extends Error {
  override readonly name: string = "ApiError";
  /** HTTP status; undefined where there was no reply. */
  readonly status: number | undefined;
  readonly code: string;
  readonly remedy: string | undefined;
  readonly details: unknown;
  readonly headers: Headers | undefined;

  constructor(message: string, fields: ApiErrorFields) {
    super(
      fields.remedy === undefined || message.includes(fields.remedy) ? message : `${message} ${fields.remedy}`,
      fields.cause === undefined ? {} : { cause: fields.cause },
    );
    this.status = fields.status;
    this.code = fields.code;
    this.remedy = fields.remedy;
    this.details = fields.details;
    this.headers = fields.headers;
  }

  /** The id under which the platform logged the request. */
  get requestId(): string | undefined {
    return this.headers?.get("x-request-id") ?? undefined;
  }
}

export class BadRequestError extends ApiError {
  override readonly name = "BadRequestError";
}
export class AuthenticationError extends ApiError {
  override readonly name = "AuthenticationError";
}
export class PermissionDeniedError extends ApiError {
  override readonly name = "PermissionDeniedError";
}
export class NotFoundError extends ApiError {
  override readonly name = "NotFoundError";
}
export class ConflictError extends ApiError {
  override readonly name = "ConflictError";
}
/** A payload, an output or a body over its limit; `details` names the limit. */
export class PayloadTooLargeError extends ApiError {
  override readonly name = "PayloadTooLargeError";
}
export class UnprocessableEntityError extends ApiError {
  override readonly name = "UnprocessableEntityError";
}
export class RateLimitError extends ApiError {
  override readonly name = "RateLimitError";
  /** Milliseconds to wait, where the platform said so. */
  get retryAfterMs(): number | undefined {
    return retryAfterMs(this.headers, Date.now());
  }
}
export class InternalServerError extends ApiError {
  override readonly name = "InternalServerError";
}
/** There was no (whole) reply. */
export class ApiConnectionError extends ApiError {
  override readonly name: string = "ApiConnectionError";
}
export class ApiTimeoutError extends ApiConnectionError {
  override readonly name = "ApiTimeoutError";
}
/** The client lacks what it needs to ask at all: no key, or an address that is no URL. */
export class ConfigurationError extends ApiError {
  override readonly name = "ConfigurationError";
}

const BY_STATUS: Record<number, typeof ApiError> = {
  400: BadRequestError,
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  413: PayloadTooLargeError,
  422: UnprocessableEntityError,
  429: RateLimitError,
};

/** The error for a reply that is not 2xx. `text` is its body, whatever it is. */
export function errorFromReply(status: number, text: string, headers: Headers): ApiError {
  const body = parseObject(text);
  const Class = BY_STATUS[status] ?? (status >= 500 ? InternalServerError : ApiError);
  return new Class(errorMessage(status, body, text), {
    status,
    code: stringOf(body?.code) ?? `HTTP_${status}`,
    remedy: stringOf(body?.remedy),
    details: body?.details,
    headers,
  });
}

/** `Retry-After` (seconds or a date) or Trigger.dev's `x-ratelimit-reset` (epoch milliseconds), as milliseconds from now. */
export function retryAfterMs(headers: Headers | undefined, nowMs: number): number | undefined {
  const header = headers?.get("retry-after");
  if (header) {
    const seconds = Number(header);
    if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
    const at = Date.parse(header);
    if (Number.isFinite(at)) return Math.max(0, at - nowMs);
  }
  const reset = Number(headers?.get("x-ratelimit-reset") ?? Number.NaN);
  return Number.isFinite(reset) ? Math.max(0, reset - nowMs) : undefined;
}

function errorMessage(status: number, body: Record<string, unknown> | undefined, text: string): string {
  const error = body?.error;
  const nested = typeof error === "object" && error !== null ? (error as { message?: unknown }).message : undefined;
  const message = stringOf(error) ?? stringOf(nested) ?? stringOf(body?.message);
  if (message !== undefined) return message;
  const excerpt = text.trim().slice(0, 200);
  return excerpt === "" ? `The server answered ${status} without a body.` : `The server answered ${status}: ${excerpt}`;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function stringOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
