/** No message came in the time that `once` was given. */
export class InputStreamTimeoutError extends Error {
  override readonly name = "InputStreamTimeoutError";
  readonly code = "INPUT_STREAM_TIMEOUT";
  readonly streamId: string;
  readonly timeoutMs: number;

  constructor(streamId: string, timeoutMs: number) {
    super(`No message came on the input stream "${streamId}" within ${timeoutMs} ms.`);
    this.streamId = streamId;
    this.timeoutMs = timeoutMs;
  }
}

export type InputStreamOnceResult<T> = { ok: true; output: T } | { ok: false; error: InputStreamTimeoutError };

/** What `once` gives: awaited it is a result, `unwrap()` gives the message or throws InputStreamTimeoutError. */
export class InputStreamOncePromise<T> extends Promise<InputStreamOnceResult<T>> {
  /** What `then` makes is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  unwrap(): Promise<T> {
    return this.then((result) => {
      if (result.ok) return result.output;
      throw result.error;
    });
  }
}
