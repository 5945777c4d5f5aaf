import { currentScope, takeSignal } from "./run-scope.ts";

/** Seconds no run ever takes: as a `maxDuration` it lifts the project's. */
const NONE = 2_147_483_647;

export const timeout = {
  None: NONE,
  /** The signal of the run around the caller; undefined outside a run. */
  get signal(): AbortSignal | undefined {
    const scope = currentScope();
    return scope && takeSignal(scope);
  },
};
