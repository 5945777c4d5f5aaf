/** What follows from an error: whether the attempt is tried again, when, and which error is recorded. */
import { DEFAULT_RETRY, type RetryOptions, retryDelayMs } from "../contract/retry.ts";
import { readErrorMember } from "../contract/wire-error.ts";
import type { AttemptOutcome } from "../contract/worker-protocol.ts";
import type { Attempt } from "./attempt.ts";
import type { CatchErrorDecision } from "./hooks.ts";
import { ownNow } from "./own-clock.ts";

export type Retry = Extract<AttemptOutcome, { kind: "failed" }>["retry"];

export interface AfterError {
  error: unknown;
  retry: Retry;
}

/** Asks the error, then the task's `catchError`, then the global ones; the first that decides is followed. */
export async function decideAfterError(attempt: Attempt, error: unknown): Promise<AfterError> {
  const bySelf = retryOfError(error, ownNow());
  if (bySelf?.by === "never") return { error, retry: bySelf };
  const policy = { ...DEFAULT_RETRY, ...attempt.task.options.retry };
  const isLast = attempt.scope.ctx.attempt.number >= attempt.scope.ctx.run.maxAttempts;
  const delayMs =
    waitOf(bySelf) ?? (isLast ? undefined : retryDelayMs(policy, attempt.scope.ctx.attempt.number, Math.random()));
  try {
    const decision = await askCatchError(attempt, error, policy, delayMs);
    return fromDecision(attempt, error, bySelf ?? { by: "policy" }, decision);
  } catch (hookError) {
    return { error: hookError, retry: { by: "never", reason: "catchError threw" } };
  }
}

/** Whether the run goes on after this failure; if not, `onFailure` is called. */
export function isRetried(attempt: Attempt, retry: Retry): boolean {
  if (retry.by === "never") return false;
  return retry.by === "defer" || attempt.scope.ctx.attempt.number < attempt.scope.ctx.run.maxAttempts;
}

/**
 * What an error says about itself. By name and shape, not by class: the project's copy of the SDK threw it.
 */
export function retryOfError(error: unknown, nowMs: number): Retry | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const [name, retryAt, status] = ["name", "retryAt", "status"].map((member) => readErrorMember(error, member));
  if (name === "AbortTaskRunError") return { by: "never", reason: "AbortTaskRunError" };
  if (name === "TaskPayloadParsedError") return { by: "never", reason: "the payload does not fit the schema" };
  if (name === "TaskExecutionError") return { by: "never", reason: String(readErrorMember(error, "code")) };
  if (name === "RetryAfterError" && retryAt instanceof Date) {
    return { by: "defer", delayMs: Math.max(0, retryAt.getTime() - nowMs) };
  }
  return isRefusal(name, status) ? { by: "never", reason: `the API refused it (${status})` } : undefined;
}

const API_ERRORS = new Set([
  "ApiError",
  "BadRequestError",
  "AuthenticationError",
  "PermissionDeniedError",
  "NotFoundError",
  "ConflictError",
  "PayloadTooLargeError",
  "UnprocessableEntityError",
]);

/** A call of Gantry's own API that would be refused again. */
function isRefusal(name: unknown, status: unknown): boolean {
  const isClientError = typeof status === "number" && status >= 400 && status < 500 && status !== 408 && status !== 429;
  return isClientError && API_ERRORS.has(String(name));
}

async function askCatchError(
  attempt: Attempt,
  error: unknown,
  retry: RetryOptions,
  retryDelayInMs: number | undefined,
): Promise<CatchErrorDecision | undefined> {
  const retryAt = retryDelayInMs === undefined ? undefined : new Date(ownNow() + retryDelayInMs);
  const { catchError, handleError } = attempt.task.options;
  const own = catchError ?? handleError;
  // The task's own comes first here: it knows its errors best. `hooks` lists it last.
  const globals = attempt.hooks("catchError").filter((hook) => hook.fn !== catchError);
  for (const fn of [...(own ? [own] : []), ...globals.map((hook) => hook.fn)]) {
    const decision = await fn(attempt.params({ error, retry, retryAt, retryDelayInMs }));
    if (decision) return decision;
  }
  return undefined;
}

function fromDecision(
  attempt: Attempt,
  thrown: unknown,
  usual: Retry,
  decision: CatchErrorDecision | undefined,
): AfterError {
  const error = decision?.error ?? thrown;
  if (decision?.skipRetrying) return { error, retry: { by: "never", reason: "catchError said skipRetrying" } };
  const delayMs = delayOf(decision);
  if (delayMs !== undefined) return { error, retry: { by: "after", delayMs } };
  if (decision?.retry) return { error, retry: retryBy(decision.retry, attempt.scope.ctx.attempt.number) };
  return { error, retry: usual };
}

function delayOf(decision: CatchErrorDecision | undefined): number | undefined {
  const { retryAt, retryDelayInMs } = decision ?? {};
  const delayMs = retryAt === undefined ? retryDelayInMs : retryAt.getTime() - ownNow();
  return delayMs === undefined || Number.isNaN(delayMs) ? undefined : Math.max(0, delayMs);
}

/** Another policy for this failure, which may give up earlier than the run's. */
function retryBy(options: RetryOptions, attempt: number): Retry {
  const { maxAttempts } = { ...DEFAULT_RETRY, ...options };
  if (attempt >= maxAttempts) return { by: "never", reason: "catchError's retry has no attempts left" };
  return { by: "after", delayMs: retryDelayMs(options, attempt, Math.random()) };
}

function waitOf(retry: Retry | undefined): number | undefined {
  return retry?.by === "defer" || retry?.by === "after" ? retry.delayMs : undefined;
}
