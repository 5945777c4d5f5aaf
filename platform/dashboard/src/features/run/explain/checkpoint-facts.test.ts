import { describe, expect, test } from "vitest";
import { checkpointFacts } from "./checkpoint-facts.ts";

const parkedAt = new Date("2026-01-01T00:00:00Z");
const explained = (reason: string, details: object) => ({
  reasons: [{ reason, message: "", details: { ...details } }],
});
const held = explained("WORKER_HELD", {
  mode: "hold",
  reason: "UNSAFE",
  ifLost: { then: "fail", because: "bytes sent by fetch (shop.ts:37)" },
});
const stored = explained("WORKER_STORED", { mode: "process", reason: "PROCESS_LONG_WAIT" });

describe("what became of a waiting run's process", () => {
  test("names the line that keeps it", () => {
    expect(checkpointFacts(undefined, held)).toEqual({
      mode: "hold",
      reason: "UNSAFE",
      because: "bytes sent by fetch (shop.ts:37)",
    });
  });

  test("says how large it is in Postgres, and since when", () => {
    const known = { mode: "process", reason: "PROCESS_LONG_WAIT", parkedAt, storedBytes: 5, bytes: 27 } as const;
    expect(checkpointFacts(known, stored)).toEqual(known);
    expect(checkpointFacts(known, undefined)).toEqual(known);
  });

  test("is what was explained last where it has changed since the run was read", () => {
    const known = { mode: "hold", reason: "HOLDING_FIRST", parkedAt } as const;
    expect(checkpointFacts(known, stored)).toEqual({ mode: "process", reason: "PROCESS_LONG_WAIT" });
  });

  test("may be unknown", () => {
    expect(checkpointFacts(undefined, undefined)).toBeUndefined();
    expect(checkpointFacts({ mode: "hold", reason: "UNSAFE", parkedAt }, { reasons: [] })).toBeUndefined();
  });
});
