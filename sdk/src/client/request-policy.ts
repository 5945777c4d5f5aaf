import type { ClientRetryOptions } from "./request-options.ts";

/**
 * Whether a request may be sent again.
 *
 * `always`: its effect is the same however often it arrives. `undelivered`: it makes something new each time (a trigger
 * without an idempotency key, a replay), so it is sent again only if it surely was not carried out.
 */
export type Repeatable = "always" | "undelivered";

/** How a request failed: with a status, or without a reply. */
export type RequestFailure =
  | { kind: "reply"; status: number; retryAfterMs: number | undefined; shouldRetry: boolean | undefined }
  | { kind: "noReply"; isUndelivered: boolean };

export type RetryDecision =
  | { retry: true; delayMs: number }
  | { retry: false; reason: "ATTEMPTS_SPENT" | "NOT_RETRYABLE" | "MAYBE_CARRIED_OUT" | "WAIT_TOO_LONG" };

export const DEFAULT_CLIENT_RETRY = {
  maxAttempts: 5,
  minTimeoutInMs: 500,
  maxTimeoutInMs: 30_000,
  factor: 2,
  randomize: true,
} as const satisfies ClientRetryOptions;

/** Replies after which the platform (or a proxy before it) did nothing: too busy, or not ready. */
const REFUSED = new Set([429, 503]);
const MAYBE_DONE = new Set([408, 500, 502, 504]);

/** `attempt` is the number of requests sent so far; `random` is in [0, 1). */
export function decideRetry(
  failure: RequestFailure,
  repeatable: Repeatable,
  attempt: number,
  options: ClientRetryOptions | undefined,
  random: number,
): RetryDecision {
  const { maxAttempts, minTimeoutInMs, maxTimeoutInMs, factor, randomize } = withDefaults(options);
  const refusal = refuse(failure, repeatable);
  if (refusal !== undefined) return { retry: false, reason: refusal };
  if (attempt >= maxAttempts) return { retry: false, reason: "ATTEMPTS_SPENT" };
  const backoff = Math.min(maxTimeoutInMs, minTimeoutInMs * factor ** (attempt - 1));
  const jittered = Math.round(randomize ? backoff * (0.5 + random / 2) : backoff);
  const askedMs = failure.kind === "reply" ? (failure.retryAfterMs ?? 0) : 0;
  if (askedMs > maxTimeoutInMs) return { retry: false, reason: "WAIT_TOO_LONG" };
  // Many clients are told the same moment: the jitter on top keeps them from coming back together.
  return { retry: true, delayMs: askedMs > 0 ? askedMs + Math.round(random * 250) : jittered };
}

function refuse(failure: RequestFailure, repeatable: Repeatable): "NOT_RETRYABLE" | "MAYBE_CARRIED_OUT" | undefined {
  if (failure.kind === "noReply") {
    return failure.isUndelivered || repeatable === "always" ? undefined : "MAYBE_CARRIED_OUT";
  }
  if (failure.shouldRetry === false) return "NOT_RETRYABLE";
  if (REFUSED.has(failure.status)) return undefined;
  if (MAYBE_DONE.has(failure.status)) return repeatable === "always" ? undefined : "MAYBE_CARRIED_OUT";
  return "NOT_RETRYABLE";
}

function withDefaults(options: ClientRetryOptions | undefined) {
  return {
    maxAttempts: options?.maxAttempts ?? DEFAULT_CLIENT_RETRY.maxAttempts,
    minTimeoutInMs: options?.minTimeoutInMs ?? DEFAULT_CLIENT_RETRY.minTimeoutInMs,
    maxTimeoutInMs: options?.maxTimeoutInMs ?? DEFAULT_CLIENT_RETRY.maxTimeoutInMs,
    factor: options?.factor ?? DEFAULT_CLIENT_RETRY.factor,
    randomize: options?.randomize ?? DEFAULT_CLIENT_RETRY.randomize,
  };
}

const UNDELIVERED_CODES = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
]);

/** True where no connection came about, by the code in the error or its causes (Node, undici, Bun). */
export function isUndelivered(error: unknown): boolean {
  for (let cause = error, depth = 0; cause !== undefined && cause !== null && depth < 5; depth++) {
    const { code, errors, cause: next } = cause as { code?: unknown; errors?: unknown; cause?: unknown };
    if (typeof code === "string" && UNDELIVERED_CODES.has(code)) return true;
    if (Array.isArray(errors) && errors.length > 0) return errors.every(isUndelivered);
    cause = next;
  }
  return false;
}
