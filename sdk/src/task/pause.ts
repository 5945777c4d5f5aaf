import { pause } from "../client/http.ts";
import { currentScope } from "./run-scope.ts";

/**
 * Waits in place. A cancel of the run meanwhile ends the wait, which rejects with the signal's reason; what `onCancel`
 * hooks do after it waits as ever.
 */
export function pauseInRun(ms: number): Promise<void> {
  const signal = currentScope()?.signal;
  return pause(ms, signal?.aborted ? undefined : signal);
}
