import type { AttemptOutcome } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import {
  type AttemptDecision,
  type AttemptFacts,
  attemptRecord,
  decideAttempt,
  decideLoss,
  MAX_DEFERRALS,
  REASONS,
} from "./attempt-policy.ts";

const error = { name: "Error", message: "boom" };
const policy = (options?: Record<string, unknown>): AttemptOutcome => ({
  kind: "failed",
  error,
  retry: { by: "policy", ...(options === undefined ? {} : { options }) },
});
const crash = (reason: "EXIT" | "SIGNAL" | "OUT_OF_MEMORY" | "BOOT_FAILED" | "UNRESPONSIVE"): AttemptOutcome => ({
  kind: "crashed",
  reason,
  error,
});
const completed: AttemptOutcome = { kind: "completed", output: "1", outputType: "application/json" };

interface Case {
  outcome: AttemptOutcome;
  run?: Partial<AttemptFacts["run"]>;
  retry?: AttemptFacts["retry"];
  random?: number;
  want:
    | Partial<Extract<AttemptDecision, { then: "finish" }>>
    | Partial<Extract<AttemptDecision, { then: "retry" }>>
    | { then: "giveBack" };
}

const canceling = { cancelRequestedAt: new Date(0) };
const last = { attempt: 3, maxAttempts: 3 };
const larger = { outOfMemory: { machine: "large-1x" } };

const cases: Record<string, Case> = {
  "what returned is COMPLETED": {
    outcome: completed,
    want: { then: "finish", status: "COMPLETED", reason: "SUCCEEDED", hook: false },
  },
  "a result wins over a cancel that came before it": {
    outcome: completed,
    run: canceling,
    want: { then: "finish", status: "COMPLETED" },
  },
  "a cancel wins over a failure": {
    outcome: policy(),
    run: canceling,
    want: { then: "finish", status: "CANCELED", reason: "CANCEL_REQUESTED", hook: false },
  },
  "a cancel wins over a crash": {
    outcome: crash("SIGNAL"),
    run: canceling,
    want: { then: "finish", status: "CANCELED" },
  },
  "a cancel wins over a deferral": {
    outcome: { kind: "failed", error, retry: { by: "defer", delayMs: 5 } },
    run: canceling,
    want: { then: "finish", status: "CANCELED" },
  },
  "a cancel wins over a run given back": {
    outcome: { kind: "returned", reason: "drain" },
    run: canceling,
    want: { then: "finish", status: "CANCELED" },
  },
  "a worker that says canceled is believed": {
    outcome: { kind: "canceled" },
    want: { then: "finish", status: "CANCELED" },
  },
  "an error that is final fails at once": {
    outcome: { kind: "failed", error, retry: { by: "never", reason: "AbortTaskRunError" } },
    want: { then: "finish", status: "FAILED", reason: "NOT_RETRYABLE", error, hook: false },
  },
  "a failure is tried again after the policy's pause": {
    outcome: policy(),
    want: { then: "retry", reason: "RETRY_POLICY", delayMs: 1000, nextAttempt: 2, inPlace: true, deferred: false },
  },
  "the pause grows with the attempts, by the task's own policy": {
    outcome: policy(),
    run: { attempt: 3, maxAttempts: 9 },
    retry: { minTimeoutInMs: 10, factor: 3 },
    want: { then: "retry", delayMs: 90, nextAttempt: 4 },
  },
  "jitter at most doubles the pause": { outcome: policy(), random: 0.5, want: { then: "retry", delayMs: 1500 } },
  "what catchError returns goes over the policy": {
    outcome: policy({ minTimeoutInMs: 7, randomize: false }),
    random: 0.9,
    want: { then: "retry", delayMs: 7 },
  },
  "nonsense from catchError is left out": {
    outcome: policy({ minTimeoutInMs: "soon", factor: Number.NaN, randomize: "yes" }),
    want: { then: "retry", delayMs: 1000 },
  },
  "the last attempt's failure is the run's": {
    outcome: policy(),
    run: last,
    want: { then: "finish", status: "FAILED", reason: "ATTEMPTS_EXHAUSTED", error, hook: false },
  },
  "a pause shorter than 30 s keeps the worker": {
    outcome: { kind: "failed", error, retry: { by: "after", delayMs: 29_999 } },
    want: { then: "retry", reason: "RETRY_AFTER", delayMs: 29_999, inPlace: true, nextAttempt: 2 },
  },
  "one of 30 s frees it": {
    outcome: { kind: "failed", error, retry: { by: "after", delayMs: 30_000 } },
    want: { then: "retry", delayMs: 30_000, inPlace: false, nextAttempt: 2 },
  },
  "nobody waits for longer than a year": {
    outcome: { kind: "failed", error, retry: { by: "after", delayMs: 1e15 } },
    want: { then: "retry", delayMs: 31_536_000_000 },
  },
  "RetryAfter spends an attempt": {
    outcome: { kind: "failed", error, retry: { by: "after", delayMs: 1 } },
    run: last,
    want: { then: "finish", status: "FAILED", reason: "ATTEMPTS_EXHAUSTED" },
  },
  "a deferral spends none, not even the last": {
    outcome: { kind: "failed", error, retry: { by: "defer", delayMs: 40_000 } },
    run: last,
    want: { then: "retry", reason: "DEFERRED", nextAttempt: 3, deferred: true, inPlace: false },
  },
  "a run defers itself no more than a thousand times": {
    outcome: { kind: "failed", error, retry: { by: "defer", delayMs: 1 } },
    run: { deferrals: MAX_DEFERRALS },
    want: { then: "finish", status: "FAILED", reason: "TOO_MANY_DEFERRALS" },
  },
  "an exit is tried again": {
    outcome: crash("EXIT"),
    want: { then: "retry", reason: "RETRY_POLICY", nextAttempt: 2, inPlace: true },
  },
  "a signal is tried again": { outcome: crash("SIGNAL"), want: { then: "retry", nextAttempt: 2 } },
  "a boot that failed is tried again": { outcome: crash("BOOT_FAILED"), want: { then: "retry", nextAttempt: 2 } },
  "a process that hung is tried again": { outcome: crash("UNRESPONSIVE"), want: { then: "retry", nextAttempt: 2 } },
  "the last crash is the run's, and its onFailure runs": {
    outcome: crash("EXIT"),
    run: last,
    want: { then: "finish", status: "CRASHED", reason: "ATTEMPTS_EXHAUSTED", error, hook: true },
  },
  "out of memory is final without a larger machine": {
    outcome: crash("OUT_OF_MEMORY"),
    want: { then: "finish", status: "CRASHED", reason: "OUT_OF_MEMORY", hook: true },
  },
  "out of memory goes to the larger machine, elsewhere and at once": {
    outcome: crash("OUT_OF_MEMORY"),
    retry: larger,
    want: {
      then: "retry",
      reason: "OUT_OF_MEMORY_LARGER_MACHINE",
      machine: "large-1x",
      delayMs: 0,
      inPlace: false,
      nextAttempt: 2,
    },
  },
  "out of memory on the larger machine is final": {
    outcome: crash("OUT_OF_MEMORY"),
    retry: larger,
    run: { machine: "large-1x" },
    want: { then: "finish", status: "CRASHED", reason: "OUT_OF_MEMORY" },
  },
  "out of memory in the last attempt is final": {
    outcome: crash("OUT_OF_MEMORY"),
    retry: larger,
    run: last,
    want: { then: "finish", status: "CRASHED" },
  },
  "maxDuration is final, and its onFailure runs": {
    outcome: { kind: "timedOut", error },
    want: { then: "finish", status: "TIMED_OUT", reason: "MAX_DURATION", error, hook: true },
  },
  "a run that was given back goes to another worker": {
    outcome: { kind: "returned", reason: "drain" },
    want: { then: "giveBack" },
  },
  "a run that is given back again and again is given up": {
    outcome: { kind: "returned", reason: "drain" },
    run: { platformLosses: 10 },
    want: { then: "finish", status: "SYSTEM_FAILURE", reason: "LOST_TOO_OFTEN", hook: true },
  },
};

const fresh: AttemptFacts["run"] = {
  attempt: 1,
  maxAttempts: 3,
  deferrals: 0,
  machine: undefined,
  cancelRequestedAt: undefined,
  platformLosses: 0,
};

describe("the end of an attempt", () => {
  test.each(Object.entries(cases))("%s", (_sentence, { outcome, run, retry, random, want }) => {
    expect(
      decideAttempt({ run: { ...fresh, ...run }, outcome, retry, random: random ?? 0, lossCap: 10 }),
    ).toMatchObject(want);
  });
});

describe("a lost execution", () => {
  const lost = { platformLosses: 0, cancelRequestedAt: undefined };
  test.each(
    Object.entries({
      "is queued again": { run: lost, want: { then: "requeue", reason: "LOST" } },
      "is queued again up to the cap": { run: { ...lost, platformLosses: 9 }, want: { then: "requeue" } },
      "is given up beyond it": {
        run: { ...lost, platformLosses: 10 },
        want: { then: "finish", status: "SYSTEM_FAILURE", reason: "LOST_TOO_OFTEN" },
      },
      "ends where it was to be canceled": {
        run: { ...lost, ...canceling },
        want: { then: "finish", status: "CANCELED" },
      },
      "is replayed where it only waited, and nothing would be repeated": {
        run: { ...lost, held: { then: "replay", hasSlot: false } },
        want: { then: "suspend", reason: "HOLD_LOST_REPLAYED" },
      },
      "is given up beyond the cap also where it could be replayed": {
        run: { ...lost, platformLosses: 10, held: { then: "replay", hasSlot: false } },
        want: { then: "finish", status: "SYSTEM_FAILURE", reason: "LOST_TOO_OFTEN" },
      },
      "fails where a replay would repeat what it did": {
        run: { ...lost, held: { then: "fail", because: "welcome.ts:14", hasSlot: false } },
        want: { then: "finish", status: "SYSTEM_FAILURE", reason: "HOLD_LOST" },
      },
      "fails also where its wait was over, and its worker did not know yet": {
        run: { ...lost, held: { then: "fail", because: "welcome.ts:14", hasSlot: true } },
        want: { then: "finish", status: "SYSTEM_FAILURE", reason: "HOLD_LOST" },
      },
      "is queued again where its wait was over, and nothing would be repeated": {
        run: { ...lost, held: { then: "replay", hasSlot: true } },
        want: { then: "requeue", reason: "LOST" },
      },
      "is started anew where it only waited and the task says so": {
        run: { ...lost, held: { then: "restart", hasSlot: false } },
        want: { then: "requeue", reason: "HOLD_LOST_RESTARTED" },
      },
      "ends where it waited and was to be canceled": {
        run: { ...lost, ...canceling, held: { then: "fail", hasSlot: false } },
        want: { then: "finish", status: "CANCELED" },
      },
    } as const),
  )("%s", (_sentence, { run, want }) => {
    expect(decideLoss(run, 10)).toMatchObject(want);
  });
});

describe("a process that ends while its run waits", () => {
  const held = { ...fresh, held: { then: "fail", because: "Line welcome.ts:14 sent bytes.", hasSlot: false } } as const;
  const crash = { kind: "crashed", reason: "EXIT", error: { name: "E", message: "exit 1" } } as const;

  test.each([crash, { kind: "returned", reason: "drained" } as const])(
    "$kind: its wait was lost, no attempt",
    (outcome) => {
      const want = { then: "finish", status: "SYSTEM_FAILURE", reason: "HOLD_LOST", hook: true };
      const decision = decideAttempt({ run: held, outcome, retry: undefined, random: 0, lossCap: 10 });
      expect(decision).toMatchObject(want);
      expect(decision).toHaveProperty("error.message", expect.stringContaining("welcome.ts:14"));
    },
  );

  test("which could be replayed waits on without it", () => {
    const run = { ...held, held: { then: "replay", hasSlot: false } } as const;
    expect(decideAttempt({ run, outcome: crash, retry: undefined, random: 0, lossCap: 10 }).then).toBe("suspend");
  });

  test("because the function failed: as any failure", () => {
    const outcome = policy();
    expect(decideAttempt({ run: held, outcome, retry: undefined, random: 0, lossCap: 10 }).then).toBe("retry");
  });
});

describe("a process that was stored and could not be brought back", () => {
  const line = "bytes sent by fetch (welcome.ts:14)";
  const notRestored = { kind: "notRestored", reason: "CRIU failed: Can't fork for 1000", node: "n1" } as const;
  const decide = (over: Partial<AttemptFacts["run"]>, facts: Partial<AttemptFacts> = {}) =>
    decideAttempt({
      run: { ...fresh, ...over },
      outcome: notRestored,
      retry: undefined,
      random: 0,
      lossCap: 10,
      restoreFailures: 3,
      ...facts,
    });
  const replay = { stored: { then: "replay" } } as const;
  const restart = { stored: { then: "restart", because: line } } as const;
  const fail = { stored: { then: "fail", because: line } } as const;

  test.each([replay, restart, fail])("is tried elsewhere twice, whatever is to be done then: $stored.then", (run) => {
    const want = { then: "giveBack", reason: "RESTORE_ELSEWHERE" };
    expect(decide(run, { restoreFailures: 1 })).toEqual(want);
    expect(decide(run, { restoreFailures: 2 })).toEqual(want);
  });

  test("is replayed where that repeats nothing", () => {
    expect(decide(replay)).toEqual({ then: "giveBack", reason: "RESTORE_REPLAYED", dropsCheckpoint: true });
  });

  test("is started anew where the task says so", () => {
    expect(decide(restart)).toEqual({ then: "giveBack", reason: "RESTORE_RESTARTED", dropsCheckpoint: true });
  });

  test("else fails, and says why, where, and what forbids a replay", () => {
    const decision = decide(fail);
    expect(decision).toMatchObject({ then: "finish", status: "SYSTEM_FAILURE", reason: "RESTORE_FAILED", hook: true });
    expect(decision).toHaveProperty(
      "error.message",
      `${REASONS.RESTORE_FAILED} The last try on node n1: CRIU failed: Can't fork for 1000. What forbids a replay: ${line}.`,
    );
  });

  test.each([replay, restart, fail])("is canceled where somebody asked for it: $stored.then", (run) => {
    expect(decide({ ...run, ...canceling })).toMatchObject({ then: "finish", status: "CANCELED" });
  });

  test.each([replay, restart, fail])("is given up beyond the cap of losses: $stored.then", (run) => {
    const want = { then: "finish", status: "SYSTEM_FAILURE", reason: "LOST_TOO_OFTEN" };
    expect(decide({ ...run, platformLosses: 10 }, { restoreFailures: 1 })).toMatchObject(want);
  });

  test("because its worker crashed before it could go on: no attempt of the task's", () => {
    const outcome = crash("OUT_OF_MEMORY");
    expect(decide(fail, { outcome, restoreFailures: 1 })).toEqual({ then: "giveBack", reason: "RESTORE_ELSEWHERE" });
    expect(decide(fail, { outcome })).toMatchObject({
      reason: "RESTORE_FAILED",
      error: { message: expect.stringContaining("boom") },
    });
  });

  test("and whose worker is drained goes to another, and is not counted", () => {
    const outcome = { kind: "returned", reason: "drained" } as const;
    expect(decide(fail, { outcome })).toEqual({ then: "giveBack", reason: "WORKER_GAVE_BACK" });
  });

  test("although it had been told to go on: its memory is lost, as by a crash", () => {
    expect(decide({})).toMatchObject({ then: "retry", reason: "RETRY_POLICY", nextAttempt: 2 });
    expect(decide(last)).toMatchObject({ then: "finish", status: "CRASHED", reason: "ATTEMPTS_EXHAUSTED" });
  });

  test.each(["replay", "restart", "fail"] as const)(
    "since its worker was lost, is brought back by another: %s",
    (then) => {
      const run = { platformLosses: 0, cancelRequestedAt: undefined, stored: { then } };
      expect(decideLoss(run, 10)).toEqual({ then: "requeue", reason: "RESTORE_ELSEWHERE" });
      expect(decideLoss({ ...run, ...canceling }, 10)).toMatchObject({ status: "CANCELED" });
      expect(decideLoss({ ...run, platformLosses: 10 }, 10)).toMatchObject({ reason: "LOST_TOO_OFTEN" });
    },
  );
});

describe("an attempt's record", () => {
  const retried = {
    then: "retry",
    reason: "DEFERRED",
    delayMs: 9,
    inPlace: true,
    nextAttempt: 1,
    deferred: true,
  } as const;

  test("says when, how it ended, and how long the next waits", () => {
    expect(attemptRecord(2, policy(), 1000, 3000, { ...retried, deferred: false })).toEqual({
      number: 2,
      startedAt: "1970-01-01T00:00:01.000Z",
      finishedAt: "1970-01-01T00:00:03.000Z",
      outcome: "FAILED",
      error,
      retryDelayMs: 9,
    });
  });

  test("calls a deferral a deferral", () => {
    expect(attemptRecord(1, policy(), 0, 0, retried).outcome).toBe("DEFERRED");
  });

  test("of a process that was not brought back says why and where, and that it was no failure of the task's", () => {
    const outcome = { kind: "notRestored", reason: "no AVX-512 there.", node: "n2" } as const;
    const record = attemptRecord(1, outcome, 0, 0, { then: "giveBack", reason: "RESTORE_ELSEWHERE" });
    const message = `${REASONS.RESTORE_ELSEWHERE} The last try on node n2: no AVX-512 there.`;
    expect(record).toMatchObject({
      outcome: "LOST",
      error: { name: "ProcessNotRestored", code: "RESTORE_ELSEWHERE", message },
    });
  });

  test("keeps the beginning of a long error, never half a character", () => {
    const long = { name: "E", message: `${"x".repeat(3999)}😀 and more`, stack: "s".repeat(100_000), cause: error };
    const kept = attemptRecord(1, { kind: "timedOut", error: long }, 0, 0, retried).error;
    expect(kept?.message.isWellFormed()).toBe(true);
    expect(kept?.message.length).toBe(4000);
    expect(kept?.stack?.length).toBe(4000);
    expect(kept).not.toHaveProperty("cause");
  });
});
