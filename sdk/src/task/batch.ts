import { batch as triggerBatch } from "../client/batch.ts";
import { batchTriggerByIdAndWait, batchTriggerByTaskAndWait } from "./waits/batch-and-wait.ts";

/** Runs of several tasks at once: started, or started and waited for. */
export const batch = {
  ...triggerBatch,
  triggerAndWait: batchTriggerByIdAndWait,
  triggerByTaskAndWait: batchTriggerByTaskAndWait,
};
