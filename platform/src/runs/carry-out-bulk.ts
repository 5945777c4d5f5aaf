import { BULK_ACTION_RUNS } from "@gantry/sdk/contract";
import { AppError, ERRORS } from "../errors.ts";
import { decodeId, encodeId } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { BulkActionStore, BulkActionType, BulkOutcome, OpenBulkAction } from "./bulk-action.ts";
import type { RunService } from "./run-service.ts";
import type { RunStore } from "./run-store.ts";

export interface BulkDeps {
  actions: BulkActionStore;
  store: Pick<RunStore, "select">;
  runs: Pick<RunService, "cancel" | "replay">;
  environmentById(id: number): Promise<EnvironmentRef | undefined>;
}

const CHOSEN_AT_ONCE = 500;
const DONE_AT_ONCE = 25;
const AGAIN_MS = 5000;

/**
 * Takes an action one step further: chooses some runs, or does it to some. Whoever is killed between two lines has another
 * go on from there: canceling twice changes nothing, and a replay has an idempotency key of its own, so that there is one.
 *
 * False where nothing is left to do for now.
 */
export async function stepBulkAction(deps: BulkDeps, action: OpenBulkAction): Promise<boolean> {
  if (action.choosing !== undefined) {
    await chooseRuns(deps, action, action.choosing);
    return true;
  }
  const environment = await deps.environmentById(action.environmentId);
  const runIds = environment === undefined ? [] : await deps.actions.pending(action.id, DONE_AT_ONCE);
  if (environment === undefined || runIds.length === 0) {
    await deps.actions.complete(action.id);
    return false;
  }
  const outcomes = await Promise.all(runIds.map((runId) => carryOut(deps, environment, action, runId)));
  const known = outcomes.filter((outcome) => outcome !== "later");
  await deps.actions.record(action.id, known);
  if (known.length === outcomes.length) return true;
  await deps.actions.postpone(action.id, AGAIN_MS);
  return false;
}

/** Runs that were made after the action have greater ids: what a replay makes is never replayed by it. */
async function chooseRuns(
  { actions, store }: BulkDeps,
  action: OpenBulkAction,
  { filter, cursor, total }: NonNullable<OpenBulkAction["choosing"]>,
): Promise<void> {
  const room = BULK_ACTION_RUNS - total;
  const size = Math.min(CHOSEN_AT_ONCE, room + 1);
  const found = await store.select(action.environmentId, filter, { size, after: cursor ?? action.id });
  const end = found.length > room ? "capped" : found.length < size ? "all" : "more";
  await actions.choose(action, found.slice(0, room), end);
}

async function carryOut(
  { runs }: BulkDeps,
  environment: EnvironmentRef,
  action: OpenBulkAction,
  runId: string,
): Promise<BulkOutcome | "later"> {
  try {
    const resultRunId = await act(runs, environment, action, runId);
    return { runId, isDone: true, resultRunId };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (ERRORS[error.code].retryable) return "later";
    return { runId, isDone: false, code: error.code, message: error.message };
  }
}

async function act(
  runs: BulkDeps["runs"],
  environment: EnvironmentRef,
  { id, type }: { id: string; type: BulkActionType },
  runId: string,
): Promise<string | undefined> {
  const publicId = encodeId("run", runId);
  if (type === "CANCEL") {
    await runs.cancel(environment, publicId, `bulk action ${encodeId("bulk", id)}`);
    return undefined;
  }
  const replay = await runs.replay(environment, publicId, { idempotencyKey: bulkKey(id, runId) });
  return decodeId("run", replay.runId);
}

/** Its prefix keeps it after a run that failed (see finish-runs): a run is replayed once, whatever becomes of the replay. */
function bulkKey(actionId: string, runId: string): string {
  return `gantry.bulk/${actionId}/${runId}`;
}
