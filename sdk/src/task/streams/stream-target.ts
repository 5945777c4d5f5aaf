import type { RequestOptions } from "../../client/request-options.ts";
import { StreamProducer } from "../../client/stream-producer.ts";
import { appendToStream } from "../../client/stream-requests.ts";
import type { TaskContext } from "../context.ts";
import { TaskExecutionError } from "../errors.ts";
import { inOwnRegion } from "../region.ts";
import { currentScope, type RunScope } from "../run-scope.ts";
import type { ProducerNames } from "./run-streams.ts";

export interface StreamTargetOptions {
  /** Whose stream it is: `self` (the default), `parent`, `root`, or a run's id. Outside of runs only the latter. */
  target?: string | undefined;
  requestOptions?: RequestOptions | undefined;
}

/** A stream that the calling code writes. */
export interface StreamTarget {
  runId: string;
  stream: string;
  scope: RunScope | undefined;
  /** Chunks of the run's own stream say in which attempt they were written. */
  attempt: number | undefined;
  requestOptions: RequestOptions | undefined;
}

/** Error: NOT_IN_A_RUN where no run is meant. */
export function streamTarget(what: string, stream: string, options: StreamTargetOptions = {}): StreamTarget {
  const { target = "self", requestOptions } = options;
  const scope = currentScope();
  const run = scope?.ctx.run;
  const runId = runMeant(target, run);
  if (runId === undefined) {
    throw new TaskExecutionError(
      "NOT_IN_A_RUN",
      `${what} was called outside of a run: say whose stream it is, { target: runId }.`,
    );
  }
  const attempt = runId === run?.id ? scope?.ctx.attempt.number : undefined;
  return { runId, stream, scope, attempt, requestOptions };
}

/** A root run has no parent and is its own root. */
function runMeant(target: string, run: TaskContext["run"] | undefined): string | undefined {
  switch (target) {
    case "self":
      return run?.id;
    case "parent":
      return run?.parentTaskRunId ?? run?.id;
    case "root":
      return run?.rootTaskRunId ?? run?.id;
    default:
      return target;
  }
}

/** What it sends is ours, no effect of the task's. */
export function producerFor(target: StreamTarget, names: ProducerNames, gapMs: number): StreamProducer {
  const { runId, stream, attempt, requestOptions } = target;
  return new StreamProducer({
    append: (request) => inOwnRegion(() => appendToStream(runId, stream, request, requestOptions)),
    names,
    gapMs,
    ...(attempt === undefined ? {} : { attempt }),
  });
}

/** Error: NOT_SERIALIZABLE for what has no JSON. What JSON has no word for is null. */
export function chunkText(stream: string, value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TaskExecutionError("NOT_SERIALIZABLE", `A chunk of the stream "${stream}" has no JSON: ${reason}`, cause);
  }
}
