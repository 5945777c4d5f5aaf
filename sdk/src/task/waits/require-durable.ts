import type { DurableRun } from "../durable/durable-run.ts";
import { TaskExecutionError } from "../errors.ts";
import { currentRegion } from "../region.ts";
import { currentScope, type RunScope } from "../run-scope.ts";

export interface WaitingRun {
  durable: DurableRun;
  scope: RunScope;
}

/**
 * The run that is to wait. `what` names the call.
 *
 * Errors: NOT_IN_A_RUN, NESTED_DURABLE_CALL (the caller is a step's body), DURABLE_UNAVAILABLE (the run has ended).
 */
export function requireDurable(what: string, instead?: string): WaitingRun {
  const scope = currentScope();
  if (!scope) {
    const advice = instead === undefined ? "" : ` ${instead}`;
    throw new TaskExecutionError("NOT_IN_A_RUN", `${what} works inside a run only: it suspends the run.${advice}`);
  }
  const region = currentRegion();
  if (region?.kind === "step" && region.isOpen) throw nestedCall(what, region.name);
  if (!scope.durable) {
    throw new TaskExecutionError(
      "DURABLE_UNAVAILABLE",
      `${what} cannot wait here: the run has ended, and only its failure hooks are called. Trigger another task instead.`,
    );
  }
  return { durable: scope.durable, scope };
}

function nestedCall(what: string, step: string): TaskExecutionError {
  return new TaskExecutionError(
    "NESTED_DURABLE_CALL",
    `${what} was called inside the step "${step}", whose body runs in one go. Return from the step first, then call ` +
      `${what}: const value = await step.run("${step}", …); await ${what}(…);`,
  );
}
