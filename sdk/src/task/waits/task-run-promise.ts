/** How a child's run ended, as its parent sees it. `error` is an Error that looks like the child's. */
export type TaskRunResult<TIdentifier extends string, TOutput = unknown> =
  | { ok: true; id: string; taskIdentifier: TIdentifier; output: TOutput }
  | { ok: false; id: string; taskIdentifier: TIdentifier; error: unknown };

/** The results in the order of the items. */
export interface BatchResult<TIdentifier extends string, TOutput = unknown> {
  id: string;
  runs: TaskRunResult<TIdentifier, TOutput>[];
}

/** A child's run has failed; `cause` is its error. */
export class SubtaskUnwrapError extends Error {
  override readonly name = "SubtaskUnwrapError";
  readonly taskId: string;
  readonly runId: string;

  constructor(taskId: string, runId: string, cause: unknown) {
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    super(`Error in ${taskId}${reason}`, { cause });
    this.taskId = taskId;
    this.runId = runId;
  }
}

/** What `triggerAndWait` gives: awaited it is a result, `unwrap()` gives the output or throws SubtaskUnwrapError. */
export class TaskRunPromise<TIdentifier extends string, TOutput> extends Promise<TaskRunResult<TIdentifier, TOutput>> {
  /** What `then` makes is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  unwrap(): Promise<TOutput> {
    return this.then((result) => {
      if (result.ok) return result.output;
      throw new SubtaskUnwrapError(result.taskIdentifier, result.id, result.error);
    });
  }

  /** Of a result that comes later. */
  static of<TIdentifier extends string, TOutput>(
    result: Promise<TaskRunResult<TIdentifier, TOutput>>,
  ): TaskRunPromise<TIdentifier, TOutput> {
    return new TaskRunPromise((resolve) => resolve(result));
  }
}
