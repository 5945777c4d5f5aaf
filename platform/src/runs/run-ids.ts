import { AppError } from "../errors.ts";
import { decodeId } from "../ids.ts";

/** The UUID of a run's public id. Errors: MALFORMED_ID. */
export function runUuid(runId: string): string {
  const uuid = decodeId("run", runId);
  if (uuid === undefined) throw new AppError("MALFORMED_ID", `"${runId.slice(0, 60)}" is not the id of a run.`);
  return uuid;
}

/** The UUID of a batch's public id. Errors: MALFORMED_ID. */
export function batchUuid(batchId: string): string {
  const uuid = decodeId("batch", batchId);
  if (uuid === undefined) throw new AppError("MALFORMED_ID", `"${batchId.slice(0, 60)}" is not the id of a batch.`);
  return uuid;
}

export const runNotFound = (runId: string) =>
  new AppError("RUN_NOT_FOUND", `There is no run ${runId} in this environment.`);
