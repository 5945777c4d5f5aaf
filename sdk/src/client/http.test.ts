import { afterEach, describe, expect, test } from "vitest";
import { freePort } from "../../../platform/test/support/free-port.ts";
import { type Answer, FakePlatform } from "../../test/fake-platform.ts";
import {
  ApiConnectionError,
  ApiError,
  ApiTimeoutError,
  AuthenticationError,
  InternalServerError,
  NotFoundError,
  PayloadTooLargeError,
  RateLimitError,
} from "./api-error.ts";
import { send } from "./http.ts";
import type { RequestOptions } from "./request-options.ts";
import type { Repeatable } from "./request-policy.ts";

const quick = { minTimeoutInMs: 1, maxTimeoutInMs: 20 };
let platform: FakePlatform | undefined;
afterEach(async () => platform?.[Symbol.asyncDispose]());

async function ask(
  answers: Answer[],
  repeatable: Repeatable = "always",
  options: RequestOptions = {},
  onArrived: () => void = () => {},
) {
  platform = await FakePlatform.start((_, count) => {
    onArrived();
    return answers[Math.min(count, answers.length) - 1] as Answer;
  });
  const config = { baseUrl: platform.url, token: "gt_dev_sk_x", requestOptions: { retry: quick, ...options } };
  return send<unknown>(config, { method: "POST", path: "/api/v1/x", json: { a: 1 }, repeatable });
}

describe("a request", () => {
  test("carries the key, the API's version, and one id for all its attempts", async () => {
    await ask([{ status: 503 }, { json: { ok: true } }]);
    const [first, second] = platform?.arrived ?? [];
    expect(first?.headers).toMatchObject({
      authorization: "Bearer gt_dev_sk_x",
      "content-type": "application/json",
      "x-trigger-api-version": "2025-07-16",
    });
    expect(first?.headers["x-trigger-request-idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(second?.headers["x-trigger-request-idempotency-key"]).toBe(
      first?.headers["x-trigger-request-idempotency-key"],
    );
    expect(second?.text).toBe('{"a":1}');
  });

  test("that met a busy platform is sent again after Retry-After", async () => {
    const { data } = await ask(
      [{ status: 429, headers: { "retry-after": "0" } }, { json: { ok: true } }],
      "undelivered",
    );
    expect(data).toEqual({ ok: true });
    expect(platform?.arrived).toHaveLength(2);
  });

  test("that makes something new is not sent again after the connection was cut", async () => {
    await expect(ask(["hangUp", { json: {} }], "undelivered")).rejects.toBeInstanceOf(ApiConnectionError);
    expect(platform?.arrived).toHaveLength(1);
  });

  test("that may be repeated survives a cut connection", async () => {
    expect((await ask(["hangUp", "hangUp", { json: { n: 1 } }])).data).toEqual({ n: 1 });
  });

  test("gives up after its attempts with the last error", async () => {
    await expect(ask([{ status: 500, json: { error: "Broken.", code: "INTERNAL" } }])).rejects.toBeInstanceOf(
      InternalServerError,
    );
    expect(platform?.arrived).toHaveLength(5);
  });

  test("that gets no answer in time is a time-out with a code", async () => {
    const failed = ask(["silence"], "undelivered", { timeoutInMs: 30 });
    await expect(failed).rejects.toBeInstanceOf(ApiTimeoutError);
    await expect(failed).rejects.toMatchObject({ code: "REQUEST_TIMEOUT", status: undefined });
  });

  test("ends at once with the caller's reason where it is aborted", async () => {
    const controller = new AbortController();
    const asked = ask(["silence"], "always", { signal: controller.signal }, () =>
      controller.abort(new Error("the user left")),
    );
    await expect(asked).rejects.toThrow("the user left");
  });

  test("does not wait for its next attempt once it is aborted", async () => {
    const controller = new AbortController();
    const retry = { minTimeoutInMs: 60_000, maxTimeoutInMs: 60_000 };
    const leave = () => setImmediate(() => controller.abort(new Error("the user left")));
    const asked = ask([{ status: 503 }], "always", { signal: controller.signal, retry }, leave);
    await expect(asked).rejects.toThrow("the user left");
  });

  test("to nobody names the address and what to do", async () => {
    const port = await freePort();
    const config = { baseUrl: `http://127.0.0.1:${port}`, token: "k", requestOptions: { retry: { maxAttempts: 1 } } };
    const asked = send(config, { method: "GET", path: "/", repeatable: "always" });
    await expect(asked).rejects.toThrow(
      `No connection to Gantry at http://127.0.0.1:${port} (ECONNREFUSED). Check that the platform is up`,
    );
  });

  test("whose body holds a cycle says so", async () => {
    const body: { self?: unknown } = {};
    body.self = body;
    const config = { baseUrl: "http://127.0.0.1:1", token: "k", requestOptions: {} };
    const asked = send(config, { method: "POST", path: "/", json: body, repeatable: "always" });
    await expect(asked).rejects.toMatchObject({ code: "NOT_SERIALIZABLE" });
  });
});

describe("an error's reply", () => {
  const table: Record<string, { answer: Answer; wantClass: typeof ApiError; want: object; wantMessage: string }> = {
    "becomes an error with code, details and remedy": {
      answer: {
        status: 404,
        json: {
          error: "There is no task x.",
          code: "TASK_NOT_FOUND",
          remedy: "Deploy it.",
          details: { didYouMean: "y" },
        },
        headers: { "x-request-id": "req_1" },
      },
      wantClass: NotFoundError,
      want: {
        status: 404,
        code: "TASK_NOT_FOUND",
        remedy: "Deploy it.",
        details: { didYouMean: "y" },
        requestId: "req_1",
      },
      wantMessage: "There is no task x. Deploy it.",
    },
    "of a wrong key is an AuthenticationError": {
      answer: { status: 401, json: { error: "Unknown key.", code: "UNAUTHORIZED" } },
      wantClass: AuthenticationError,
      want: { code: "UNAUTHORIZED" },
      wantMessage: "Unknown key.",
    },
    "of a payload over the limit is a PayloadTooLargeError": {
      answer: { status: 413, json: { error: "Too large.", code: "PAYLOAD_TOO_LARGE", details: { limit: 3145728 } } },
      wantClass: PayloadTooLargeError,
      want: { details: { limit: 3145728 } },
      wantMessage: "Too large.",
    },
    "of a proxy, in HTML, keeps an excerpt and its status as code": {
      answer: { status: 418, text: "<h1>teapot</h1>" },
      wantClass: ApiError,
      want: { code: "HTTP_418", details: undefined },
      wantMessage: "The server answered 418: <h1>teapot</h1>",
    },
    "of Trigger.dev's older shape is read too": {
      answer: { status: 400, json: { error: { message: "Bad." } } },
      wantClass: ApiError,
      want: { code: "HTTP_400" },
      wantMessage: "Bad.",
    },
  };
  for (const [title, { answer, wantClass, want, wantMessage }] of Object.entries(table)) {
    test(title, async () => {
      const error = await ask([answer]).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(wantClass);
      expect(error).toMatchObject(want);
      expect((error as Error).message).toBe(wantMessage);
    });
  }

  test("that asks for a long wait tells how long", async () => {
    const error = await ask([{ status: 429, headers: { "retry-after": "120" } }]).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimitError);
    expect((error as RateLimitError).retryAfterMs).toBe(120_000);
  });

  test("that is 200 but no JSON points at the address", async () => {
    await expect(ask([{ text: "<html>" }])).rejects.toMatchObject({ code: "INVALID_REPLY" });
  });
});
