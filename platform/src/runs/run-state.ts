import type { RunStatus } from "@gantry/sdk/contract";

/**
 * How a run may move: `status → event → status`. Data only. Which event happened is decided by a policy; the store's
 * statements (adapters/postgres) carry it out, and nothing else writes a status.
 *
 * A run that waits may keep its process, which may still end: hence what leads from WAITING, and from QUEUED after it was
 * woken, to an end of its attempt.
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
    resume: "EXECUTING",
    loseHeld: "QUEUED",
    complete: "COMPLETED",
    fail: "FAILED",
    crash: "CRASHED",
    timeOut: "TIMED_OUT",
    retryLater: "DELAYED",
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
    wait: "WAITING",
    complete: "COMPLETED",
    fail: "FAILED",
    crash: "CRASHED",
    timeOut: "TIMED_OUT",
    cancel: "CANCELED",
    giveUp: "SYSTEM_FAILURE",
  },
  WAITING: {
    wake: "QUEUED",
    suspend: "WAITING",
    loseHeld: "WAITING",
    restartHeld: "QUEUED",
    complete: "COMPLETED",
    fail: "FAILED",
    crash: "CRASHED",
    timeOut: "TIMED_OUT",
    retry: "QUEUED",
    retryLater: "DELAYED",
    cancel: "CANCELED",
    giveUp: "SYSTEM_FAILURE",
  },
  COMPLETED: {},
  FAILED: {},
  CANCELED: {},
  CRASHED: {},
  SYSTEM_FAILURE: {},
  EXPIRED: {},
  TIMED_OUT: {},
} as const satisfies Record<RunStatus, Record<string, RunStatus>>;
