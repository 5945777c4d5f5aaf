import type { RunStatus } from "@gantry/sdk/contract";

/**
 * How a run may move: `status → event → status`. Data only. Which event happened is decided by a policy; the store's
 * statements (adapters/postgres) carry it out, and nothing else writes a status.
 */
export const RUN_STATES = {
  PENDING_VERSION: {
    release: "QUEUED",
    delay: "DELAYED",
    cancel: "CANCELED",
    expire: "EXPIRED",
    giveUp: "SYSTEM_FAILURE",
  },
  DELAYED: {
    reschedule: "DELAYED",
    enqueue: "QUEUED",
    cancel: "CANCELED",
    expire: "EXPIRED",
    giveUp: "SYSTEM_FAILURE",
  },
  QUEUED: {
    admitWarm: "EXECUTING",
    admitCold: "DEQUEUED",
    cancel: "CANCELED",
    expire: "EXPIRED",
    giveUp: "SYSTEM_FAILURE",
  },
  DEQUEUED: {
    start: "EXECUTING",
    lose: "QUEUED",
    startFailed: "DELAYED",
    cancel: "CANCELED",
    giveUp: "SYSTEM_FAILURE",
  },
  EXECUTING: {
    retryInPlace: "EXECUTING",
    retryLater: "DELAYED",
    lose: "QUEUED",
    giveBack: "QUEUED",
    complete: "COMPLETED",
    fail: "FAILED",
    crash: "CRASHED",
    timeOut: "TIMED_OUT",
    cancel: "CANCELED",
    giveUp: "SYSTEM_FAILURE",
  },
  WAITING: { cancel: "CANCELED", giveUp: "SYSTEM_FAILURE" },
  COMPLETED: {},
  FAILED: {},
  CANCELED: {},
  CRASHED: {},
  SYSTEM_FAILURE: {},
  EXPIRED: {},
  TIMED_OUT: {},
} as const satisfies Record<RunStatus, Record<string, RunStatus>>;
