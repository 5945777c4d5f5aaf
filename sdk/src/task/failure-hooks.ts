import { fromWireError, type WireError } from "../contract/wire-error.ts";
import type { Attempt } from "./attempt.ts";
import type { TaskOutcome } from "./host.ts";
import { throughMiddleware } from "./middleware.ts";
import { readPayload } from "./read-payload.ts";

/**
 * The failure hooks of a run that ended without its process: once, inside the middleware whose locals they may need.
 *
 * Whatever fails here, the run has ended already: the outcome is `completed`.
 */
export async function runFailureHooks(attempt: Attempt, wireError: WireError): Promise<TaskOutcome> {
  const error = fromWireError(wireError);
  let isCalled = false;
  const hooks = async () => {
    isCalled = true;
    await attempt.notifyFailure(error);
  };
  // The hooks see the payload as far as it could be read.
  await readPayload(attempt).catch(() => {});
  await throughMiddleware(attempt, hooks).catch(() => {});
  if (!isCalled) await hooks();
  return { kind: "completed", outputType: "application/json" };
}
