import { AppError } from "../errors.ts";
import { decodeId } from "../ids.ts";

/** The UUID of a run's public id. Errors: MALFORMED_ID. */
export function runUuid(runId: string): string {
  const uuid = decodeId("run", runId);
  if (uuid === undefined) throw new AppError("MALFORMED_ID", `"${runId.slice(0, 60)}" is not the id of a run.`);
  return uuid;
}

/** The UUID of a batch's public id. Errors: MALFORMED_ID. */
export const batchUuid = (batchId: string) => uuidOf("batch", batchId);

const KINDS = { batch: "a batch", sched: "a schedule", bulk: "a bulk action" };

/** Errors: MALFORMED_ID. */
export function uuidOf(prefix: keyof typeof KINDS, id: string): string {
  const uuid = decodeId(prefix, id);
  if (uuid === undefined) throw new AppError("MALFORMED_ID", `"${id.slice(0, 60)}" is not the id of ${KINDS[prefix]}.`);
  return uuid;
}

export const runNotFound = (runId: string) =>
  new AppError("RUN_NOT_FOUND", `There is no run ${runId} in this environment.`);
