import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { runTask } from "../testing/run-task.ts";
import { task } from "./define-task.ts";
import { AbortTaskRunError } from "./errors.ts";
import { waitByFormat, waitByHeaders } from "./reset-header.ts";
import { retry } from "./retry.ts";
import { isStatusIn, type RetryFetchInit } from "./retry-fetch.ts";

const waits: number[] = [];
vi.mock("../client/http.ts", async (original) => ({
  ...(await original<object>()),
  pause: async (ms: number) => void waits.push(ms),
}));
beforeEach(() => void (waits.length = 0));

describe("retry.onThrow", () => {
  const exact = { randomize: false } as const;

  it("tries again with back-off until it works", async () => {
    const seen: number[] = [];
    const result = await retry.onThrow(
      async ({ attempt, maxAttempts }) => {
        seen.push(attempt, maxAttempts);
        if (attempt < 3) throw new Error("not yet");
        return "done";
      },
      { ...exact, maxAttempts: 5 },
    );
    expect(result).toBe("done");
    expect(seen).toEqual([1, 5, 2, 5, 3, 5]);
    expect(waits).toEqual([1000, 2000]);
  });

  it("throws what the last attempt threw", async () => {
    const attempts = retry.onThrow(({ attempt }) => Promise.reject(new Error(`no ${attempt}`)), exact);
    await expect(attempts).rejects.toThrow("no 3");
  });

  it("throws an error that asks not to be retried on at once", async () => {
    const fn = vi.fn(() => Promise.reject(new AbortTaskRunError("stop")));
    await expect(retry.onThrow(fn)).rejects.toThrow("stop");
    expect(fn).toHaveBeenCalledTimes(1);
  });
});

describe("retry.fetch", () => {
  type Answer = { status: number; headers?: Record<string, string>; hang?: boolean };
  let server: Server;
  let url: string;
  let answers: Answer[];
  let seen: { retryCount: string | undefined; body: string; custom: string | undefined }[];

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const { headers } = request;
      seen.push({ retryCount: headers["x-retry-count"] as string, body, custom: headers["x-custom"] as string });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer?.hang) return;
      response.writeHead(answer?.status ?? 500, answer?.headers ?? {}).end("body");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    seen = [];
  });
  afterEach(() => vi.useRealTimers());

  const inSeconds = (seconds: number) => String(Math.round(Date.now() / 1000) + seconds);
  const cases: Record<
    string,
    { answers: () => Answer[]; init?: RetryFetchInit; wantStatus: number; wantWaits: unknown[] }
  > = {
    "gives a good response at once": { answers: () => [{ status: 200 }], wantStatus: 200, wantWaits: [] },
    "does not repeat what would be refused again": { answers: () => [{ status: 404 }], wantStatus: 404, wantWaits: [] },
    "repeats a 5xx with back-off, three requests in all": {
      answers: () => [{ status: 503 }],
      wantStatus: 503,
      wantWaits: [expect.any(Number), expect.any(Number)],
    },
    "waits as long as Retry-After says on a 429": {
      answers: () => [{ status: 429, headers: { "retry-after": "7" } }, { status: 200 }],
      wantStatus: 200,
      wantWaits: [7000],
    },
    "goes by the back-off of a status": {
      answers: () => [{ status: 418 }, { status: 418 }, { status: 200 }],
      init: {
        retry: { byStatus: { "400-499": { strategy: "backoff", minTimeoutInMs: 10, factor: 3, randomize: false } } },
      },
      wantStatus: 200,
      wantWaits: [10, 30],
    },
    "goes by the header of a status": {
      answers: () => [{ status: 429, headers: { "x-reset": inSeconds(9) } }, { status: 200 }],
      init: { retry: { byStatus: { "429": { strategy: "headers", resetHeader: "x-reset" } } } },
      wantStatus: 200,
      wantWaits: [expect.toSatisfy((ms: number) => ms > 7_000 && ms <= 9_500)],
    },
    "gives the response where the header is missing": {
      answers: () => [{ status: 429 }],
      init: { retry: { byStatus: { "429": { strategy: "headers", resetHeader: "x-reset" } } } },
      wantStatus: 429,
      wantWaits: [],
    },
    "stops after ten requests, whatever the headers say": {
      answers: () => [{ status: 429, headers: { "retry-after": "1" } }],
      wantStatus: 429,
      wantWaits: Array(9).fill(1000),
    },
  };
  for (const [title, { answers: make, init, wantStatus, wantWaits }] of Object.entries(cases)) {
    it(title, async () => {
      answers = make();
      const response = await retry.fetch(url, init);
      expect(response.status).toBe(wantStatus);
      expect(waits).toEqual(wantWaits);
      expect(await response.text()).toBe("body");
    });
  }

  it("sends body, headers and a count with each request", async () => {
    answers = [{ status: 500 }, { status: 200 }];
    await retry.fetch(new Request(url, { method: "POST", body: "hello", headers: { "x-custom": "1" } }));
    expect(seen).toEqual([
      { retryCount: "1", body: "hello", custom: "1" },
      { retryCount: "2", body: "hello", custom: "1" },
    ]);
  });

  it("in a run defers it, where the wait is long", async () => {
    answers = [{ status: 429, headers: { "retry-after": "120" } }];
    const calling = task({ id: "calling", run: async () => (await retry.fetch(url)).status });
    const { outcome } = await runTask(calling, undefined, { maxAttempts: 3 });
    expect(outcome).toMatchObject({
      error: { name: "RetryAfterError", message: expect.stringContaining("answered 429 and asks to wait 120 s") },
      retry: { by: "defer", delayMs: expect.toSatisfy((ms: number) => ms > 118_000 && ms <= 120_000) },
    });
  });

  it("outside a run gives the response instead", async () => {
    answers = [{ status: 429, headers: { "retry-after": "120" } }];
    expect((await retry.fetch(url)).status).toBe(429);
  });

  it("repeats after a connection that failed, and then throws its error", async () => {
    const fails = retry.fetch("http://127.0.0.1:1/", { retry: { connectionError: { maxAttempts: 2 } } });
    await expect(fails).rejects.toThrow("fetch failed");
    expect(waits).toHaveLength(1);
  });

  it("repeats after a time-out, and then throws its error", async () => {
    answers = [{ status: 200, hang: true }];
    const fails = retry.fetch(url, { timeoutInMs: 30, retry: { timeout: { maxAttempts: 2 } } });
    await expect(fails).rejects.toMatchObject({ name: "TimeoutError" });
    expect(seen).toHaveLength(2);
  });

  it("does not repeat what its caller aborted", async () => {
    answers = [{ status: 200 }];
    await expect(retry.fetch(url, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    expect(waits).toEqual([]);
  });
});

describe("a status range", () => {
  const cases: [string, number, boolean][] = [
    ["429", 429, true],
    ["429", 428, false],
    ["500-599", 503, true],
    ["5xx", 503, true],
    ["50x", 503, true],
    ["50x", 511, false],
    ["408, 429,5xx", 429, true],
    ["408,429,5xx", 404, false],
    ["all", 418, true],
    ["", 200, false],
    ["xxx", 200, false],
  ];
  for (const [range, status, want] of cases) {
    it(`"${range}" ${want ? "has" : "has not"} ${status}`, () => expect(isStatusIn(status, range)).toBe(want));
  }
});

describe("the end of a rate limit", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const headers: Record<string, { headers: Record<string, string>; want: number | undefined }> = {
    "Retry-After in seconds": { headers: { "retry-after": "1.5" }, want: 1500 },
    "Retry-After as a date": { headers: { "retry-after": "Thu, 01 Jan 2026 00:00:10 GMT" }, want: 10_000 },
    "a date that is past": { headers: { "retry-after": "Thu, 01 Jan 2015 00:00:10 GMT" }, want: 0 },
    "x-ratelimit-reset in epoch seconds": { headers: { "x-ratelimit-reset": String(now / 1000 + 5) }, want: 5000 },
    "x-ratelimit-reset in epoch milliseconds": { headers: { "x-ratelimit-reset": String(now + 5) }, want: 5 },
    "x-ratelimit-reset as a duration": { headers: { "x-ratelimit-reset": "6m0s" }, want: 360_000 },
    "retry-after-ms": { headers: { "retry-after-ms": "250" }, want: 250 },
    "nonsense, and then one that can be read": {
      headers: { "retry-after": "soon", "x-ratelimit-reset": "2" },
      want: 2000,
    },
    none: { headers: {}, want: undefined },
  };
  for (const [title, { headers: given, want }] of Object.entries(headers)) {
    it(`is read from ${title}`, () => expect(waitByHeaders(new Headers(given), now)).toBe(want));
  }

  it("is read in each format that a strategy may name", () => {
    expect(waitByFormat(String(now / 1000 + 1), "unix_timestamp", now)).toBe(1000);
    expect(waitByFormat(String(now + 1), "unix_timestamp_in_ms", now)).toBe(1);
    expect(waitByFormat("2026-01-01T00:01:00Z", "iso_8601", now)).toBe(60_000);
    expect(waitByFormat("1m30s", "iso_8601_duration_openai_variant", now)).toBe(90_000);
    expect(waitByFormat("soon", "unix_timestamp", now)).toBeUndefined();
  });
});
