/**
 * The run that the calling code belongs to, if any: how the client learns of it without importing the task part.
 *
 * It lives in one AsyncLocalStorage behind a global symbol, so that two copies of the SDK in one process (the worker's
 * and the one in the user's bundle) see the same run. Runtimes without `node:async_hooks` never execute tasks; there
 * the store stays empty.
 */
import type { TriggerClient } from "./trigger-client.ts";

export interface CurrentRun {
  /** Public id, `run_…`. */
  id: string;
  taskId: string;
  attempt: number;
  version: string;
  isTest: boolean;
  /** Where this run's API calls go and the run's own token; undefined in a unit test. */
  api: { url: string; token: string } | undefined;
  /** Takes the place of the real client inside `runTask` of `@gantry/sdk/testing`. */
  triggerClient?: TriggerClient | undefined;
}

/** The part of AsyncLocalStorage that is used here. */
interface RunStorage {
  getStore(): CurrentRun | undefined;
  run<T>(store: CurrentRun, body: () => T): T;
}

const KEY = Symbol.for("dev.gantry.currentRun");
const slot = globalThis as { [KEY]?: RunStorage };

/** The run around the caller; undefined outside a run. Never throws. */
export function currentRun(): CurrentRun | undefined {
  return slot[KEY]?.getStore();
}

/** Runs `body` as part of `run`; whatever it starts, however late, still belongs to that run. */
export function withCurrentRun<T>(run: CurrentRun, body: () => T): T {
  slot[KEY] ??= createStorage();
  return slot[KEY].run(run, body);
}

function createStorage(): RunStorage {
  const hooks = globalThis.process?.getBuiltinModule?.("node:async_hooks");
  if (!hooks) throw new Error("Tasks run on Node.js 22.3 or newer: this runtime has no node:async_hooks.");
  return new hooks.AsyncLocalStorage<CurrentRun>();
}
