import type { AsyncContext } from "./async-context.ts";

/** What the client reads of the run it is called in; the task's side of the SDK stores more. */
export interface CurrentRun {
  host?: { api?: { url: string; token: string } | undefined };
  ctx?: {
    run: { id: string; isTest?: boolean };
    attempt: { number: number };
    project?: { ref: string };
    environment?: { slug: string };
  };
  /** The run's journal, as far as the client writes to it. */
  durable?:
    | {
        once<T>(call: { label: string; fingerprint: string; perform(onceKey: string): Promise<T> }): Promise<T>;
      }
    | undefined;
}

const RUN_CONTEXT = Symbol.for("dev.gantry.run");

/**
 * The run whose code is calling, undefined outside of runs.
 *
 * The worker and the user's bundle each carry a copy of the SDK, so they meet in a global and not in a module.
 */
export function currentRun(): CurrentRun | undefined {
  const context = (globalThis as { [RUN_CONTEXT]?: AsyncContext<CurrentRun> })[RUN_CONTEXT];
  return context?.getStore?.();
}
