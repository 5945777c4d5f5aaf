import { parseDurationMs } from "../contract/duration.ts";

// The executor knows these errors by their name, not by their class: a project may carry a copy of the SDK of its own.

/** Thrown in a task: the run fails now and is not retried. */
export class AbortTaskRunError extends Error {
  override readonly name = "AbortTaskRunError";
}

/** Thrown in a task: the attempt is tried again after the wait, and is not counted. */
export class RetryAfterError extends Error {
  override readonly name = "RetryAfterError";
  readonly retryAt: Date;

  /** `retryAfter`: an instant, milliseconds from now, or `"1h30m"`. Error: a text that is no duration. */
  constructor(message: string, options: { retryAfter: Date | number | string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryAt = instantOf(options.retryAfter);
  }
}

/** Thrown in a task: the run is completed with this output. */
export class CompleteTaskWithOutput extends Error {
  override readonly name = "CompleteTaskWithOutput";
  readonly output: unknown;

  constructor(output?: unknown) {
    super("The task completed by throwing its output");
    this.output = output;
  }
}

/** Thrown in a task: the run is treated as if its process had run out of memory (`retry.outOfMemory`). */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
  readonly code = "OUT_OF_MEMORY";

  constructor(message = "The task ran out of memory") {
    super(message);
  }
}

/** The payload does not fit the task's schema; `cause` is what the schema said. */
export class TaskPayloadParsedError extends Error {
  override readonly name = "TaskPayloadParsedError";
  readonly code = "PAYLOAD_INVALID";

  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`The payload does not fit the task's schema: ${reason}`, { cause });
  }
}

/** An error with a stable code that the SDK itself reports. */
export class TaskExecutionError extends Error {
  override readonly name = "TaskExecutionError";
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

function instantOf(retryAfter: Date | number | string): Date {
  if (retryAfter instanceof Date) return retryAfter;
  const ms = typeof retryAfter === "number" ? retryAfter : parseDurationMs(retryAfter);
  if (ms === undefined || Number.isNaN(ms))
    throw new TypeError(`retryAfter is "${retryAfter}": write it like "30s" or "1h30m".`);
  return new Date(Date.now() + ms);
}
