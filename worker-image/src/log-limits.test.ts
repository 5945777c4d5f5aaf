import { DEFAULT_LIMITS, type RunEvent } from "@gantry/sdk/contract";
import { expect, test } from "vitest";
import { LogLimit } from "./log-limits.ts";

const event = (message: string, data?: string): RunEvent => ({
  at: 1,
  kind: "log",
  level: "info",
  message,
  ...(data === undefined ? {} : { data }),
});

test("lines within the limits are kept as they are", () => {
  const limit = new LogLimit();
  expect(limit.admit(event("hello", "{}"))).toEqual(event("hello", "{}"));
});

test("after the last line that fits, one mark is kept, and nothing more", () => {
  const limit = new LogLimit();
  for (let i = 0; i < DEFAULT_LIMITS.logLinesPerAttempt; i++) expect(limit.admit(event("x"))?.message).toBe("x");
  expect(limit.admit(event("x"))?.message).toMatch(/^LOGS_TRUNCATED/);
  expect(limit.admit(event("x"))).toBeUndefined();
  expect(limit.isFull).toBe(true);
});

test("bytes count, also those of data", () => {
  const limit = new LogLimit();
  const line = event("x".repeat(30_000), JSON.stringify("y".repeat(30_000)));
  let kept = 0;
  while (!limit.isFull) if (limit.admit(line)?.kind === "log") kept += 1;
  expect(kept).toBe(Math.floor(DEFAULT_LIMITS.logBytesPerAttempt / 60_002));
});

test("data over the limit of a line is replaced by its size", () => {
  const kept = new LogLimit().admit(event("big", JSON.stringify("y".repeat(100_000))));
  expect(kept).toMatchObject({ message: "big", data: expect.stringContaining("100002 bytes") });
});
