import { AppError } from "../errors.ts";
import { encodeId } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { TriggerResult } from "./run.ts";
import { batchUuid } from "./run-ids.ts";
import type { RunService } from "./run-service.ts";
import { BatchItemKnown } from "./run-store.ts";
import type { RunsDeps, TriggerRuns } from "./trigger-runs.ts";

/** See RunService.addToBatch. */
export async function addToBatch(
  deps: RunsDeps,
  triggers: TriggerRuns,
  environment: EnvironmentRef,
  batchId: string,
  items: Parameters<RunService["addToBatch"]>[2],
): Promise<Awaited<ReturnType<RunService["addToBatch"]>>> {
  const uuid = batchUuid(batchId);
  const state = await deps.store.batchState(environment.id, uuid);
  if (state === undefined) throw new AppError("BATCH_NOT_FOUND", `There is no batch ${batchId} in this environment.`);
  const { known, byIndex } = await triggerItems(
    deps,
    triggers,
    environment,
    { batchId, uuid, isSealed: state.sealed },
    items,
  );
  for (const [index, result] of byIndex) {
    if (result instanceof AppError)
      await deps.store.failBatchItem(uuid, index, { code: result.code, message: result.message });
  }
  return items.map(({ index }) => {
    const result = byIndex.get(index);
    if (result instanceof AppError) return { index, error: result };
    if (result !== undefined) return { index, result };
    const before = known.get(index);
    if (before?.runId !== undefined) return { index, result: { runId: encodeId("run", before.runId), isCached: true } };
    return { index, error: new AppError("VALIDATION_FAILED", before?.error?.message ?? "The item failed before.") };
  });
}

/** Triggers the items that have not come before. One that comes by another call meanwhile fails the insert: look again. */
async function triggerItems(
  deps: RunsDeps,
  triggers: TriggerRuns,
  environment: EnvironmentRef,
  batch: { batchId: string; uuid: string; isSealed: boolean },
  items: Parameters<RunService["addToBatch"]>[2],
) {
  const indexes = items.map((item) => item.index);
  for (let tries = 0; ; tries++) {
    const known = await deps.store.batchItems(batch.uuid, indexes);
    const fresh = items.filter((item) => !known.has(item.index));
    if (batch.isSealed && fresh.length > 0) throw new AppError("BATCH_SEALED", `Batch ${batch.batchId} is sealed.`);
    const requests = fresh.map((item) => ({ ...item.request, batch: { id: batch.batchId, index: item.index } }));
    try {
      const results = await triggers.trigger(environment, requests, undefined);
      const byIndex = new Map(
        fresh.map((item, position) => [item.index, results[position] as TriggerResult | AppError]),
      );
      return { known, byIndex };
    } catch (error) {
      if (!(error instanceof BatchItemKnown) || tries === 5) throw error;
    }
  }
}
