import { describe, expect, test } from "vitest";
import { decideRetry, isUndelivered, type Repeatable, type RequestFailure } from "./request-policy.ts";

const reply = (status: number, retryAfterMs?: number, shouldRetry?: boolean): RequestFailure => ({
  kind: "reply",
  status,
  retryAfterMs,
  shouldRetry,
});

describe("whether a request is sent again", () => {
  const table: Record<string, { failure: RequestFailure; repeatable: Repeatable; want: object }> = {
    "a refused connection is tried again even for a trigger": {
      failure: { kind: "noReply", isUndelivered: true },
      repeatable: "undelivered",
      want: { retry: true, delayMs: 375 },
    },
    "a cut connection may hide a carried out trigger": {
      failure: { kind: "noReply", isUndelivered: false },
      repeatable: "undelivered",
      want: { retry: false, reason: "MAYBE_CARRIED_OUT" },
    },
    "a cut connection is harmless where repeating is": {
      failure: { kind: "noReply", isUndelivered: false },
      repeatable: "always",
      want: { retry: true, delayMs: 375 },
    },
    "a platform that is too busy did nothing": {
      failure: reply(429),
      repeatable: "undelivered",
      want: { retry: true, delayMs: 375 },
    },
    "Retry-After is waited for, with jitter on top": {
      failure: reply(429, 2000),
      repeatable: "undelivered",
      want: { retry: true, delayMs: 2125 },
    },
    "a Retry-After beyond the longest wait is the caller's to handle": {
      failure: reply(429, 60_000),
      repeatable: "always",
      want: { retry: false, reason: "WAIT_TOO_LONG" },
    },
    "503 says that nothing was carried out": {
      failure: reply(503),
      repeatable: "undelivered",
      want: { retry: true, delayMs: 375 },
    },
    "a trigger that met a gateway's 502 may have been carried out": {
      failure: reply(502),
      repeatable: "undelivered",
      want: { retry: false, reason: "MAYBE_CARRIED_OUT" },
    },
    "a read that met a 500 is tried again": {
      failure: reply(500),
      repeatable: "always",
      want: { retry: true, delayMs: 375 },
    },
    "a refusal stays one": {
      failure: reply(422),
      repeatable: "always",
      want: { retry: false, reason: "NOT_RETRYABLE" },
    },
    "the server's x-should-retry: false is obeyed": {
      failure: reply(503, undefined, false),
      repeatable: "always",
      want: { retry: false, reason: "NOT_RETRYABLE" },
    },
  };
  for (const [title, { failure, repeatable, want }] of Object.entries(table)) {
    test(title, () => expect(decideRetry(failure, repeatable, 1, undefined, 0.5)).toEqual(want));
  }

  test("the wait doubles up to its bound and the attempts end", () => {
    const waits = [1, 2, 3, 4, 5].map((attempt) =>
      decideRetry(reply(503), "always", attempt, { randomize: false, maxTimeoutInMs: 3000 }, 0),
    );
    expect(waits).toEqual([
      { retry: true, delayMs: 500 },
      { retry: true, delayMs: 1000 },
      { retry: true, delayMs: 2000 },
      { retry: true, delayMs: 3000 },
      { retry: false, reason: "ATTEMPTS_SPENT" },
    ]);
  });
});

describe("whether a failed request never arrived", () => {
  const failed = (cause: unknown) => Object.assign(new TypeError("fetch failed"), { cause });
  const table: Record<string, { error: unknown; want: boolean }> = {
    "refused by every address": {
      error: failed({ errors: [{ code: "ECONNREFUSED" }, { code: "ENETUNREACH" }] }),
      want: true,
    },
    "refused by one address, cut by another": {
      error: failed({ errors: [{ code: "ECONNREFUSED" }, { code: "ECONNRESET" }] }),
      want: false,
    },
    "no such host": { error: failed({ code: "ENOTFOUND" }), want: true },
    "cut while waiting": { error: failed({ code: "UND_ERR_SOCKET" }), want: false },
    "something unknown": { error: new Error("?"), want: false },
  };
  for (const [title, { error, want }] of Object.entries(table)) {
    test(title, () => expect(isUndelivered(error)).toBe(want));
  }
});
