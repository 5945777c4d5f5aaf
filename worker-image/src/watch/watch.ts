import type { Socket } from "node:net";
import type { UnsafeEffect } from "@gantry/sdk/contract";

export interface WatchOptions {
  /** Native add-ons that may be loaded outside of steps, by what their path contains. Default: NATIVE_ADDONS. */
  addons?: readonly string[];
}

export interface WatchedAttempt {
  /** Counts every socket that was not opened and destroyed inside one step: the task's `checkpoint.strict`. */
  isStrict: boolean;
}

/**
 * What sees in a task process whether a replay of its run would repeat something.
 *
 * Whose code runs is told by regions (@gantry/sdk/task, region.ts): what the runner does in the process (its socket, its
 * timers, `emit`, `metadata`, journal calls, deliveries) runs inside `inOwnRegion(…)`.
 */
export interface Watch {
  /** The function of an attempt is about to begin: what happened before it, such as the bundle's import, does not count. */
  begin(attempt: WatchedAttempt): void;
  /** The attempt has ended; what was seen of it is forgotten with the next `begin`. */
  end(): void;
  /** What a replay would repeat, the first of each kind, in the order of its discovery; empty: nothing was seen. */
  unsafe(): UnsafeEffect[];
  /** Told when `unsafe` has grown. One listener; it is called in the midst of user code and must not throw. */
  onUnsafe?: (() => void) | undefined;
  /** Something of the user's own that is under way could still resume their code: a timer, a request, a child process … */
  isBusy(): boolean;
  /** Resolves once no user code ran and no byte was sent by it for `ms`; never after `signal` was aborted. */
  quiet(ms: number, signal?: AbortSignal): Promise<void>;
  /** The runner's own connection: call it for each new one, right after `connect`. */
  ignore(socket: Socket): void;
}
