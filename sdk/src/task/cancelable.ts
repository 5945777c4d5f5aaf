import { toWireError } from "../contract/wire-error.ts";
import type { Attempt } from "./attempt.ts";
import type { TaskOutcome } from "./host.ts";

/**
 * Runs an attempt, and does what a cancel asks.
 *
 * A result that was there before the cancel wins. After it, `onCancel` hooks run beside the function; then the function
 * is waited for if it was given the signal, since it may be cleaning up, and left alone if it cannot know. The runner
 * ends the process when all this takes longer than the grace.
 */
export async function runCancelable(
  attempt: Attempt,
  runAttempt: (attempt: Attempt, run: RunPromise) => Promise<TaskOutcome>,
): Promise<TaskOutcome> {
  const { signal } = attempt.scope;
  if (signal.aborted) return { kind: "canceled" };
  const run = new RunPromise();
  const outcome = settled(runAttempt(attempt, run));
  const canceled = new Promise<"canceled">((resolve) => {
    const onAbort = () => {
      // Whoever waits hears of the cancel, and may clean up.
      if (attempt.journal?.abort()) attempt.scope.isSignalTaken = true;
      resolve("canceled");
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
  const first = await Promise.race([outcome, canceled]);
  if (first !== "canceled") return first;
  if (run.isResolved) return outcome;
  await attempt.notify("onCancel", { runPromise: run.promise });
  return run.isResolved || attempt.scope.isSignalTaken ? outcome : { kind: "canceled" };
}

/** The function's own result, as `onCancel` hooks see it. */
export class RunPromise {
  isResolved = false;
  readonly #deferred = Promise.withResolvers<unknown>();

  constructor() {
    // Nobody has to listen.
    this.#deferred.promise.catch(() => {});
  }

  get promise(): Promise<unknown> {
    return this.#deferred.promise;
  }

  resolve(output: unknown): void {
    this.isResolved = true;
    this.#deferred.resolve(output);
  }

  reject(error: unknown): void {
    this.#deferred.reject(error);
  }
}

/** What nobody foresaw fails the attempt. */
async function settled(outcome: Promise<TaskOutcome>): Promise<TaskOutcome> {
  try {
    return await outcome;
  } catch (error) {
    return { kind: "failed", error: toWireError(error), retry: { by: "policy" } };
  }
}
