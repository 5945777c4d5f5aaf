import { CANCEL_GRACE_MS } from "@gantry/sdk/contract";
import { AppError } from "../errors.ts";
import { encodeId } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import { runNotFound } from "./run-ids.ts";
import type { ExecutionRef } from "./run-store.ts";
import type { RunsDeps } from "./trigger-runs.ts";

/** A canceled run is forced to its end this long after the request: its hooks had their time. */
const FORCE_CANCEL_MS = CANCEL_GRACE_MS + 5_000;

/** Its children are canceled too: found before it ends, since live runs alone connect them. */
export async function cancelTree(
  deps: RunsDeps,
  environment: EnvironmentRef,
  runId: string,
  reason: string | undefined,
): Promise<void> {
  const below = await deps.store.openDescendants(environment.id, runId);
  if (!(await cancelRun(deps, environment, runId, reason))) throw runNotFound(encodeId("run", runId));
  // From above: a run whose child has ended first would go on with that, and might complete.
  for (const level of below) {
    for (let at = 0; at < level.length; at += CANCELED_AT_ONCE) {
      const some = level.slice(at, at + CANCELED_AT_ONCE);
      await Promise.all(some.map((child) => cancelRun(deps, environment, child, reason)));
    }
  }
}

const CANCELED_AT_ONCE = 50;

/** False where there is no such run. */
async function cancelRun(
  deps: RunsDeps,
  environment: EnvironmentRef,
  runId: string,
  reason: string | undefined,
): Promise<boolean> {
  const { store, announcements } = deps;
  // A run may be admitted between the look and the write: look again, a few times at most. After that its timer ends it.
  for (let tries = 0; tries < 5; tries++) {
    const state = await store.requestCancel(environment.id, runId, reason, FORCE_CANCEL_MS);
    if (state.state === "unknown") return false;
    if (state.state === "ended") return true;
    if (state.state === "onWorker") {
      if (state.isStarted || !(await cancelBeforeStart(deps, environment, runId, state)))
        deps.tellWorker(state.executionId, "cancel", reason);
      return true;
    }
    const finished = await store.finish([
      { environmentId: environment.id, runId, execution: undefined, status: "CANCELED" },
    ]);
    if (finished.length > 0) {
      announcements.announce(finished.map((run) => run.announcement));
      return true;
    }
  }
  return true;
}

/** No user code has run yet: it ends at once, and the worker that was on its way is not needed. False where it has started. */
async function cancelBeforeStart(
  deps: RunsDeps,
  environment: EnvironmentRef,
  runId: string,
  execution: ExecutionRef,
): Promise<boolean> {
  const finished = await deps.store.finish([
    { environmentId: environment.id, runId, execution, status: "CANCELED", onlyStarting: true },
  ]);
  if (finished.length === 0) return false;
  deps.tellWorker(execution.executionId, "drop", "canceled");
  deps.announcements.announce(finished.map((run) => run.announcement));
  return true;
}

export async function forceFail(
  deps: RunsDeps,
  environment: EnvironmentRef,
  runId: string,
  reason: string,
): Promise<void> {
  const { store } = deps;
  const execution = await store.liveExecution(environment.id, runId);
  const finished = await store.finish([
    {
      environmentId: environment.id,
      runId,
      execution,
      mayBeHeld: true,
      status: "SYSTEM_FAILURE",
      error: { name: "ForceFailed", code: "FORCE_FAILED", message: reason },
      failureHook: true,
    },
  ]);
  if (finished.length === 0) {
    if ((await store.retrieve(environment.id, runId)) === undefined) throw runNotFound(encodeId("run", runId));
    throw new AppError("RUN_ALREADY_FINISHED", `Run ${encodeId("run", runId)} has ended, or moved on meanwhile.`);
  }
  if (execution !== undefined) deps.tellWorker(execution.executionId, "drop", reason);
  deps.announcements.announce(finished.map((run) => run.announcement));
}
