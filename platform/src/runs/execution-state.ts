/** How an execution, one stay of an attempt on a worker, may move. An execution that has ended has no row any more. */
export const EXECUTION_STATES = {
  STARTING: { start: "RUNNING", lose: "ENDED", startFailed: "ENDED", end: "ENDED" },
  RUNNING: { nextAttempt: "RUNNING", park: "PARKED", suspend: "ENDED", lose: "ENDED", end: "ENDED" },
  PARKED: { resume: "RUNNING", suspend: "ENDED", lose: "ENDED", end: "ENDED" },
  // In the database's type, and used by nobody: while its process is stored it is RUNNING or PARKED, and then it has ended.
  SUSPENDING: {},
  SUSPENDED: {},
  ENDED: {},
} as const;
