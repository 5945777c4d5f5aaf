/** The public statuses of a run, in the order in which a run may meet them. Names follow Trigger.dev v4. */
export const RUN_STATUSES = [
  "PENDING_VERSION",
  "DELAYED",
  "QUEUED",
  "DEQUEUED",
  "EXECUTING",
  "WAITING",
  "COMPLETED",
  "FAILED",
  "CANCELED",
  "CRASHED",
  "SYSTEM_FAILURE",
  "EXPIRED",
  "TIMED_OUT",
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const FINAL_RUN_STATUSES = [
  "COMPLETED",
  "FAILED",
  "CANCELED",
  "CRASHED",
  "SYSTEM_FAILURE",
  "EXPIRED",
  "TIMED_OUT",
] as const satisfies readonly RunStatus[];
export type FinalRunStatus = (typeof FINAL_RUN_STATUSES)[number];

/** Ended, and neither as its code wanted nor as somebody asked. */
export const FAILED_RUN_STATUSES: readonly RunStatus[] = FINAL_RUN_STATUSES.filter(
  (status) => status !== "COMPLETED" && status !== "CANCELED",
);

export function isFailedRunStatus(status: RunStatus): boolean {
  return FAILED_RUN_STATUSES.includes(status);
}

export function isFinalRunStatus(status: RunStatus): status is FinalRunStatus {
  return (FINAL_RUN_STATUSES as readonly RunStatus[]).includes(status);
}
