import { WaitpointTimeoutError } from "../../client/tokens.ts";

export type WaitpointTokenResult<TOutput> = { ok: true; output: TOutput } | { ok: false; error: Error };

/** What `wait.forToken` gives: awaited it is a result, `unwrap()` gives the value or throws WaitpointTimeoutError. */
export class ManualWaitpointPromise<TOutput> extends Promise<WaitpointTokenResult<TOutput>> {
  /** What `then` makes is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  unwrap(): Promise<TOutput> {
    return this.then((result) => {
      if (result.ok) return result.output;
      throw result.error;
    });
  }
}

export { WaitpointTimeoutError };
